// A certificate for localhost and 127.0.0.1 that only tests trust, and its key. Made with
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost
//   -addext subjectAltName=DNS:localhost,IP:127.0.0.1

export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGRgDA11oSv3Jy23O
hJg42ceS5wP2VmYDMTbRZa52MnyhRANCAAS+QUQg3HV9SUpEHvV82N1h2I3lryD/
JesXnf3bfIbVBHn/g7wgcI2kjrOSUvW2UW5dhkSc8TovPHKqShyYHw4g
-----END PRIVATE KEY-----
`

export const cert = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUNFeorc2Cb0TuXhczIn/BkL7/JB8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTE3MTIwMVoYDzIxMjYxMTAx
MTcxMjAxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS+QUQg3HV9SUpEHvV82N1h2I3lryD/JesXnf3bfIbVBHn/g7wgcI2k
jrOSUvW2UW5dhkSc8TovPHKqShyYHw4go28wbTAdBgNVHQ4EFgQUgy+yyVeEC4f2
ILY0xPN2MbYRb+8wHwYDVR0jBBgwFoAUgy+yyVeEC4f2ILY0xPN2MbYRb+8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAM2zXDksqr7WRvnXzuJ/T5vYmaeFcvMnJw9LIW/vfJliAiEA
895F0k89XwChfr2pSkLy8Y6w86+Tiy/2AOdo/kmsCz8=
-----END CERTIFICATE-----
`

// The page without its figures: the script fills in what changes. Nothing is ever put into this text.

export const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>hawser</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<h1>hawser</h1>
<p id="status">Waiting for figures. They need JavaScript.</p>
<h2>Connections</h2>
<table id="connections"></table>
<h2>Links</h2>
<table id="links"></table>
</body>
</html>
`

export const STYLE = `:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { margin: 1rem 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 0.1rem 0.8rem 0.1rem 0; text-align: right; white-space: pre }
th { border-bottom: 1px solid }
.text { text-align: left; unicode-bidi: isolate }
.bad { color: #d33 }
`

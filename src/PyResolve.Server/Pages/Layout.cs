namespace PyResolve.Server.Pages;

/// <summary>The frame of every page. URLs are relative, so that the public URL may have a path.</summary>
internal static class Layout
{
    public static Html Of(string title, Html body) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        <title>{title} · PyResolve</title>
        <link rel="icon" type="image/svg+xml" href="assets/icon.svg">
        <link rel="stylesheet" href="assets/pages.css?v={PageAssets.Stylesheet.Version}">
        </head>
        <body>
        <header><img src="assets/icon.svg" alt="" width="28" height="28"><span>PyResolve</span></header>
        <main>
        {body}
        </main>
        </body>
        </html>

        """;
}

namespace PyResolve.Server.Pages;

internal static class Layout
{
    // URLs are relative, so that the public URL may have a path.
    public static Html Of(string title, Html body) =>
        Html.Document($"{title} · PyResolve", "assets/", $"pages.css?v={PageAssets.Stylesheet.Version}", $"""
            <header><img src="assets/icon.svg" alt="" width="28" height="28"><span>PyResolve</span></header>
            <main>
            {body}
            </main>
            """);
}

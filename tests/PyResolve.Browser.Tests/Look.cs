using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>How a person sees the pages: the colours that they set, and the width of their screen.</summary>
internal sealed record Look(ColorScheme Colors, bool AreForced, int Width)
{
    /// <summary>The last is what most tests use.</summary>
    public static IReadOnlyList<Look> All { get; } =
    [
        new(ColorScheme.Light, AreForced: false, 320),
        .. from width in (int[])[390, 1280]
        from colors in (Look[])
        [
            new(ColorScheme.Dark, AreForced: true, width),
            new(ColorScheme.Dark, AreForced: false, width),
            new(ColorScheme.Light, AreForced: false, width),
        ]
        select colors,
    ];

    public async Task ShowAsync(IPage page)
    {
        await page.SetViewportSizeAsync(Width, 820);
        await page.EmulateMediaAsync(
            new() { ColorScheme = Colors, ForcedColors = AreForced ? ForcedColors.Active : ForcedColors.None });
    }

    public override string ToString() => $"{(AreForced ? "forced" : Colors)}-{Width}".ToLowerInvariant();
}

using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>
/// Checks, in all colours and at all widths, that a page fits its screen, that its text has enough contrast, and that axe-core finds
/// nothing.
/// </summary>
internal static class PageAppearance
{
    /// <summary>The minimum of WCAG 2.2 for text of any size.</summary>
    private const double MinContrast = 4.5;

    public static async Task CheckAsync(IPage page, string name)
    {
        // Style sheets have loaded by then; a click returns as soon as the new page begins.
        await Eventually.IsTrueAsync(
            async () => await page.EvaluateAsync<string>("document.readyState") == "complete",
            cancellationToken: TestContext.Current.CancellationToken);
        foreach (var look in Look.All)
        {
            await look.ShowAsync(page);
            await CheckLookAsync(page, $"{name}-{look}");
        }
    }

    private static async Task CheckLookAsync(IPage page, string name)
    {
        await Screenshots.TakeAsync(page, name);
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0, name);
        foreach (var (text, ratio) in await Contrast.MeasureAsync(page))
            ratio.ShouldBeGreaterThanOrEqualTo(MinContrast, $"{name}: {text}");
        await Accessibility.CheckAsync(page, name);
    }
}

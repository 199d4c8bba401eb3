using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>Checks that a page fits its screen, and that its text has enough contrast.</summary>
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
        await Screenshots.TakeAsync(page, name);
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0, name);
        foreach (var (text, ratio) in await Contrast.MeasureAsync(page))
            ratio.ShouldBeGreaterThanOrEqualTo(MinContrast, $"{name}: {text}");
    }
}

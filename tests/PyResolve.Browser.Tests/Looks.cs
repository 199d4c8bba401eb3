using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>Whether a page fits its screen, and can be read.</summary>
internal static class Looks
{
    /// <summary>What WCAG 2.2 asks of text of any size.</summary>
    private const double LeastContrast = 4.5;

    public static async Task CheckAsync(IPage page, string name)
    {
        await Screenshots.TakeAsync(page, name);
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0, name);
        foreach (var (text, ratio) in await Contrast.MeasureAsync(page))
            ratio.ShouldBeGreaterThanOrEqualTo(LeastContrast, $"{name}: {text}");
    }
}

using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>The contrast of a page's text with its background, as WCAG 2.2 defines it.</summary>
internal static class Contrast
{
    private const string Script = """
        () => {
            const parse = color => (color.match(/[\d.]+/g) ?? []).map(Number);
            const luminance = ([red, green, blue]) => {
                const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
                return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
            };
            const background = element => {
                for (let at = element; at; at = at.parentElement) {
                    const color = parse(getComputedStyle(at).backgroundColor);
                    if (color.length === 3 || color[3] > 0) return color;
                }
                return [255, 255, 255];
            };
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const texts = [];
            for (let node; (node = walker.nextNode());) {
                if (!node.data.trim()) continue;
                const element = node.parentElement;
                const [light, dark] = [luminance(parse(getComputedStyle(element).color)), luminance(background(element))].sort((a, b) => b - a);
                texts.push({ text: node.data.trim(), ratio: (light + 0.05) / (dark + 0.05) });
            }
            return texts;
        }
        """;

    public static async Task<IReadOnlyList<(string Text, double Ratio)>> MeasureAsync(IPage page)
    {
        var measured = (await page.EvaluateAsync(Script))!.Value.EnumerateArray()
            .Select(text => (text.GetProperty("text").GetString()!, text.GetProperty("ratio").GetDouble()))
            .ToList();
        measured.ShouldNotBeEmpty();
        return measured;
    }
}

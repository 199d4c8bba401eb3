using Deque.AxeCore.Commons;
using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>axe-core in the page: the rules of WCAG 2.2 A and AA, and its best practices.</summary>
internal static class Accessibility
{
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    /// <summary>What axe cannot decide by itself counts too.</summary>
    private const string Run = """
        async () => {
            const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
            const result = await axe.run(document, { runOnly: { type: "tag", values: tags } });
            const describe = rule => rule.nodes.map(node => `${rule.id}: ${node.html}: ${node.any.map(check => check.message).join(" ")}`);
            return result.passes.length === 0 ? ["axe checked nothing"] : [...result.violations, ...result.incomplete].flatMap(describe);
        }
        """;

    public static async Task CheckAsync(IPage page, string name)
    {
        if (!await page.EvaluateAsync<bool>("'axe' in window"))
            await page.EvaluateAsync(Axe);
        string.Join("\n", await page.EvaluateAsync<string[]>(Run)).ShouldBe("", name);
    }
}

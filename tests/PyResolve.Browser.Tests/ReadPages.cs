using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>What Chromium reads in the pages that show a text or send it back.</summary>
internal static class ReadPages
{
    /// <summary>
    /// Reads pages as the browser does, without opening them: nothing loads or runs, and everything that would is seen. The policy of the
    /// pages forbids a script to fetch them.
    /// </summary>
    private const string Read = """
        ({ pages, texts }) => {
            const addresses = ["href", "src", "action", "formaction", "xlink:href", "data", "srcdoc"];
            const placeOf = value => new URL(value, document.baseURI).origin === location.origin ? "here" : value;
            const describe = attribute =>
                addresses.includes(attribute.name) ? `${attribute.name}=${placeOf(attribute.value)}` : attribute.name;
            return pages.map(html => {
                const page = new DOMParser().parseFromString(html, "text/html");
                const elements = [...page.querySelectorAll("*")];
                const values = elements.flatMap(element => [...element.attributes]).map(attribute => attribute.value);
                const all = [page.documentElement.textContent, ...values];
                return {
                    elements: elements.map(element => [element.localName, ...[...element.attributes].map(describe)].join(" ")).join("\n"),
                    showsText: texts.every(text => {
                        const shownAsJson = JSON.stringify(text).slice(1, -1);
                        return all.some(value => value.includes(text) || value.includes(shownAsJson));
                    }),
                };
            });
        }
        """;

    private static readonly string[] Reflecting =
    [
        "/app/usage/events?library={text}", "/app/usage/events?type={text}", "/device?user_code={text}", "/reset-password?token={text}",
        "/verify-email?token={text}", "/change-email?token={text}",
    ];

    private static readonly (string Path, string[] Fields)[] Forms =
    [
        ("/sign-up", ["email", "name"]), ("/sign-in", ["email"]), ("/forgot", ["email"]), ("/app/keys", ["name", "limit"]),
        ("/app/settings/email", ["new_email"]), ("/app/alerts", ["percent"]),
    ];

    /// <summary>Pages that show what is stored.</summary>
    public static IReadOnlyList<string> Showing { get; } =
    [
        "/app/usage?by=library", "/app/usage?by=key", "/app/usage/events", "/app/usage/events/{event}", "/app/keys", "/app/keys/{key}",
        "/app/settings", "/app/audit", "/device?user_code={code}", "/operator/accounts", "/operator/accounts/{account}", "/operator/audit",
    ];

    /// <summary>Pages that show no stored text, and have to stay so.</summary>
    private static readonly string[] Others =
    [
        "/app", "/app/plan", "/app/invoices", "/app/alerts", "/app/settings/delete", "/app/settings/second-factor", "/operator",
        "/operator/events", "/operator/settings", "/operator/diagnostics", "/operator/costs", "/operator/confirm", "/pricing",
        "/app/plan?from={text}", "/app/invoices?cursor={text}", "/operator/confirm?next={text}",
    ];

    public static async Task<IReadOnlyList<ReadPage>> AllAsync(IPage page, FilledAccount account, string text)
    {
        var answers = new List<(string Path, Answer Answer)>();
        foreach (var path in Showing.Concat(Reflecting).Concat(Others))
            answers.Add((path, await account.GetAsync(path, text)));
        foreach (var (path, fields) in Forms)
            answers.Add((path, await account.PostAsync(path, fields, text)));
        var read = await ReadAsync(page, answers, [text]);
        return [.. read.Select(static seen => seen with { ShowsText = seen.ShowsText || Others.Contains(seen.Path) })];
    }

    /// <summary>Pages that were got already. Each shows all of the texts, or it is said that it does not.</summary>
    public static async Task<IReadOnlyList<ReadPage>> ReadAsync(
        IPage page, IReadOnlyList<(string Path, Answer Answer)> answers, IReadOnlyList<string> texts)
    {
        var read = await page.EvaluateAsync<ReadPage[]>(
            Read, new { pages = answers.Select(static one => one.Answer.Text).ToArray(), texts = texts.ToArray() });
        return [.. read.Zip(answers, static (seen, one) => seen with { Path = one.Path, Status = one.Answer.Status })];
    }
}

/// <summary>
/// <c>Elements</c>: with their attributes, and where the addresses among them lead. <c>ShowsText</c>: all texts, or is a page that shows
/// none.
/// </summary>
internal sealed record ReadPage
{
    public string Path { get; init; } = "";

    public int Status { get; init; }

    public string Elements { get; init; } = "";

    public bool ShowsText { get; init; }
}

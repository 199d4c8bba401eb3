using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>What Chromium reads in the pages that show a text or send it back.</summary>
internal static class ReadPages
{
    /// <summary>Reads a page as the browser does, without opening it: nothing loads or runs, and everything that would is seen.</summary>
    private const string Read = """
        async ({ requests, text }) => {
            const read = async ({ method, path, fields }) => {
                const body = method === "POST" ? new URLSearchParams(fields.map(field => [field, text])) : undefined;
                const answer = await fetch(path, { method, body });
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                const addresses = ["href", "src", "action", "formaction", "xlink:href", "data", "srcdoc"];
                const placeOf = value => new URL(value, document.baseURI).origin === location.origin ? "here" : value;
                const describe = attribute =>
                    addresses.includes(attribute.name) ? `${attribute.name}=${placeOf(attribute.value)}` : attribute.name;
                const elements = [...page.querySelectorAll("*")]
                    .map(element => [element.localName, ...[...element.attributes].map(describe)].join(" "));
                const attributes = [...page.querySelectorAll("*")].flatMap(element => [...element.attributes]);
                const values = attributes.map(attribute => attribute.value);
                const shownAsJson = JSON.stringify(text).slice(1, -1);
                const all = [page.documentElement.textContent, ...values];
                return {
                    path, status: answer.status, elements: elements.join("\n"),
                    showsText: all.some(value => value.includes(text) || value.includes(shownAsJson)),
                };
            };
            return await Promise.all(requests.map(read));
        }
        """;

    private static readonly string[] Reflecting =
    [
        "/app/usage/events?library={text}", "/app/usage/events?type={text}", "/device?user_code={text}", "/reset-password?token={text}",
        "/verify-email?token={text}", "/change-email?token={text}",
    ];

    private static readonly Request[] Forms =
    [
        new("POST", "/sign-up", ["email", "name"]), new("POST", "/sign-in", ["email"]), new("POST", "/forgot", ["email"]),
        new("POST", "/app/keys", ["name", "limit"]), new("POST", "/app/settings/email", ["new_email"]),
    ];

    /// <summary>Pages that show what is stored.</summary>
    public static IReadOnlyList<string> Showing { get; } =
    [
        "/app/usage?by=library", "/app/usage?by=key", "/app/usage/events", "/app/usage/events/{event}", "/app/keys", "/app/keys/{key}",
        "/app/settings", "/app/audit", "/device?user_code={code}", "/operator/accounts", "/operator/accounts/{account}", "/operator/audit",
    ];

    public static async Task<IReadOnlyList<ReadPage>> AllAsync(IPage page, FilledAccount account, string text)
    {
        IEnumerable<Request> requests = [.. Showing.Concat(Reflecting).Select(static path => new Request("GET", path, [])), .. Forms];
        var asked = requests.Select(request => new
        {
            method = request.Method, path = account.PathOf(request.Path, text), fields = request.Fields,
        });
        var read = await page.EvaluateAsync<ReadPage[]>(Read, new { requests = asked, text });
        return [.. read.Zip(requests, static (seen, request) => seen with { Path = request.Path })];
    }

    private sealed record Request(string Method, string Path, string[] Fields);
}

/// <summary><c>Elements</c>: with their attributes, and where the addresses among them lead.</summary>
internal sealed record ReadPage
{
    public string Path { get; init; } = "";

    public int Status { get; init; }

    public string Elements { get; init; } = "";

    public bool ShowsText { get; init; }
}

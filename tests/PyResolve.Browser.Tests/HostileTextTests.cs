using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// Each text stands in every field that a page shows, and in every field that comes back from a form or an address. Chromium reads each
/// page: its elements, attributes and addresses are those of the page with a harmless text, and the text itself is shown as it is.
/// </summary>
[Trait("Category", "Proof")]
public sealed class HostileTextTests(Browser browser)
{
    private const string Harmless = "t0000";

    [Theory, OnBothEngines]
    public async Task A_text_is_shown_as_it_is_and_changes_nothing_else_of_any_page(StorageEngine engine)
    {
        await using var postgres = new PostgresFixture();
        await using var account = await FilledAccount.CreateAsync(engine, postgres);
        var consoleErrors = new List<string>();
        var page = await SignedInAsync(account, consoleErrors);
        // Meets every way out, of which there are 25.
        var every = Scale.Pick(19, 1);
        var texts = HostileTexts.All.Where((_, index) => index % every == 0).ToList();

        await account.FillAsync(Harmless);
        var expected = await ReadPages.AllAsync(page, account, Harmless);
        foreach (var text in texts)
        {
            await account.FillAsync(text);
            foreach (var (read, harmless) in (await ReadPages.AllAsync(page, account, text)).Zip(expected))
                read.ShouldBe(harmless, text);
        }

        expected.ShouldAllBe(static read => read.Status != 404 && read.ShowsText);
        HostileTexts.All.Distinct().Count().ShouldBe(1_000);
        consoleErrors.ShouldBeEmpty();
        Proofs.Report("Hostile texts", $"{engine}: {texts.Count:N0} texts, each in {expected.Count} pages: the same elements, attributes "
            + "and addresses as with a harmless text, and the text as it is.");
    }

    [Theory, OnBothEngines]
    public async Task What_Stripe_sends_is_shown_as_it_is_and_leads_nowhere(StorageEngine engine)
    {
        const int Rows = 50;
        await using var postgres = new PostgresFixture();
        await using var words = await StripeWords.StartAsync(engine, postgres);
        var page = await browser.OpenAsync([], words.Address);
        string[] harmless = [.. Enumerable.Range(0, Rows).Select(static row => $"t{row:0000}")];
        await words.SayAsync(harmless);
        var expected = await ReadPages.ReadAsync(page, await words.GetPagesAsync(), harmless);
        var plan = (await words.GetPlanAsync()).Text;

        foreach (var texts in HostileTexts.All.Chunk(Rows).Take(Scale.Pick(4, HostileTexts.All.Count / Rows)))
        {
            await words.SayAsync(texts);
            var read = await ReadPages.ReadAsync(page, await words.GetPagesAsync(), texts);
            read.ShouldBe(expected, string.Join('\n', texts));
            (await words.GetPlanAsync()).Text.ShouldBe(plan);
        }

        expected.ShouldAllBe(static read => read.Status == 200 && read.ShowsText && !read.Elements.Contains("javascript:"));
    }

    [Fact]
    public async Task Nothing_runs_when_the_pages_are_opened()
    {
        await using var postgres = new PostgresFixture();
        await using var account = await FilledAccount.CreateAsync(StorageEngine.Sqlite, postgres);
        var consoleErrors = new List<string>();
        var page = await SignedInAsync(account, consoleErrors);
        var dialogs = 0;
        page.Dialog += (_, dialog) =>
        {
            dialogs++;
            _ = dialog.DismissAsync();
        };
        var every = Scale.Pick(250, 10);

        foreach (var text in HostileTexts.All.Where((_, index) => index % every == 0))
        {
            await account.FillAsync(text);
            foreach (var path in ReadPages.Showing)
                await page.GotoAsync(account.AddressOf(path, text));
        }

        // A script that the policy of the page refuses is an error of the console.
        consoleErrors.ShouldBeEmpty();
        dialogs.ShouldBe(0);
    }

    private async Task<IPage> SignedInAsync(FilledAccount account, List<string> consoleErrors)
    {
        var page = await browser.OpenAsync(consoleErrors, account.AddressOf("/sign-in", ""));
        await page.GetByLabel("Email").FillAsync(account.Email);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Overview");
        account.Cookie = string.Join("; ", (await page.Context.CookiesAsync()).Select(static cookie => $"{cookie.Name}={cookie.Value}"));
        return page;
    }
}

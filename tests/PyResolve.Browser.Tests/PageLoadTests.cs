using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>What a page of many rows costs to load, and how it comes out of a printer.</summary>
public sealed class PageLoadTests(Browser browser) : IAsyncLifetime
{
    private const int Rows = 50;

    /// <summary>An A4 sheet at 96 dots an inch, without its margins.</summary>
    private const int SheetWidth = 718;

    private static readonly string[] Lists = ["/app/keys", "/app/usage/events", "/app/audit"];

    private readonly List<string> _consoleErrors = [];
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(new Dictionary<string, string?> { ["PyResolve__PasswordIterations"] = "1000" });
        _account = await TestAccount.SignUpAsync(_server.Http, "ada@example.com");
        for (var key = 0; key < Rows; key++)
            (await _account.Session.PostAsync("/auth/api-keys", new { name = $"Machine {key} of the build farm" })).Status.ShouldBe(201);
        var now = TimeProvider.System.GetUtcNow();
        var events = Enumerable.Range(0, Rows).Select(minute => new
        {
            event_type = "migration", library = "pydantic", tier = "tier1", occurred_at = now.AddMinutes(-minute),
        });
        (await _account.Key.PostAsync("/usage/batch", new { events })).Status.ShouldBe(200);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_page_of_fifty_rows_is_small_takes_four_requests_and_does_not_jump()
    {
        var page = await SignedInAsync();
        var requests = new List<string>();
        page.Request += (_, request) => requests.Add(request.Url);

        foreach (var path in Lists)
        {
            requests.Clear();
            var answer = await page.GotoAsync(Address(path), new() { WaitUntil = WaitUntilState.NetworkIdle });
            var rows = await page.Locator("tbody tr").CountAsync();
            var jumped = await page.EvaluateAsync<double>(
                """
                () => new Promise(resolve => {
                    const observer = new PerformanceObserver(list =>
                        resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)));
                    observer.observe({ type: "layout-shift", buffered: true });
                    setTimeout(() => resolve(0), 500);
                })
                """);

            rows.ShouldBeGreaterThanOrEqualTo(Rows, path);
            (await answer!.BodyAsync()).Length.ShouldBeLessThan(60_000, path);
            // The icon is on the page and on its tab: the browser names it twice, and fetches it once.
            requests.Distinct().Count().ShouldBeLessThanOrEqualTo(4, string.Join(", ", requests));
            jumped.ShouldBe(0, path);
        }

        _consoleErrors.ShouldBeEmpty();
    }

    /// <summary>The best of some: the machine may be busy with other tests.</summary>
    [Fact]
    public async Task A_page_of_fifty_rows_is_painted_within_half_a_second()
    {
        var page = await SignedInAsync();
        foreach (var path in Lists)
        {
            var best = double.MaxValue;
            for (var i = 0; i < 5 && best > 500; i++)
            {
                await page.GotoAsync(Address(path), new() { WaitUntil = WaitUntilState.NetworkIdle });
                best = Math.Min(best, await page.EvaluateAsync<double>(
                    "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 9999"));
            }

            best.ShouldBeLessThanOrEqualTo(500, path);
        }
    }

    [Theory]
    [InlineData("/pricing")]
    [InlineData("/app")]
    [InlineData("/app/usage")]
    [InlineData("/app/usage/events")]
    [InlineData("/app/keys")]
    [InlineData("/app/plan")]
    [InlineData("/app/alerts")]
    [InlineData("/app/invoices")]
    [InlineData("/app/settings")]
    [InlineData("/app/audit")]
    public async Task A_page_fits_a_sheet_in_black_on_white_with_every_row_and_nothing_to_press(string path)
    {
        var page = await SignedInAsync();
        await page.SetViewportSizeAsync(SheetWidth, 1000);
        await page.EmulateMediaAsync(new() { Media = Media.Print, ColorScheme = ColorScheme.Dark });
        await page.GotoAsync(Address(path));

        await Screenshots.TakeAsync(page, $"print{path.Replace('/', '-')}");
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0);
        (await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor")).ShouldBe("rgb(255, 255, 255)");
        foreach (var (text, ratio) in await Contrast.MeasureAsync(page))
            ratio.ShouldBeGreaterThanOrEqualTo(4.5, text);
        foreach (var element in await page.Locator("button, nav, form").AllAsync())
            await Expect(element).ToBeHiddenAsync();
        (await page.PdfAsync(new() { Format = "A4" })).Length.ShouldBeGreaterThan(1_000);
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private async Task<IPage> SignedInAsync()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-in"));
        await page.GetByLabel("Email").FillAsync(_account.Email);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Overview");
        return page;
    }
}

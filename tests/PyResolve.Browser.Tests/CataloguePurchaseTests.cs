using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A tool of another name sells seats by the month and by the year, with a trial that needs no card: a server process in Development with
/// its simulated Stripe and a catalogue of its own.
/// </summary>
public sealed class CataloguePurchaseTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["PyResolve__PasswordIterations"] = "1000",
        ["PyResolve__Product__Name"] = "Tidyline",
        ["PyResolve__Product__SupportEmail"] = "help@tidyline.example",
        ["PyResolve__Plans__hobby__Order"] = "1",
        ["PyResolve__Plans__hobby__WithoutPayment"] = "true",
        ["PyResolve__Plans__hobby__MigrationsLimit"] = "10",
        ["PyResolve__Plans__team__Order"] = "2",
        ["PyResolve__Plans__team__MigrationsLimit"] = "200",
        ["PyResolve__Plans__team__PerSeat"] = "true",
        ["PyResolve__Plans__team__Features__0"] = "Rules of your own",
        ["PyResolve__Plans__team__TrialDays"] = "14",
        ["PyResolve__Plans__team__TrialNeedsCard"] = "false",
        ["PyResolve__Plans__team__Prices__month__Amount"] = "1500",
        ["PyResolve__Plans__team__Prices__month__Currency"] = "eur",
        ["PyResolve__Plans__team__Prices__year__Amount"] = "15000",
        ["PyResolve__Plans__team__Prices__year__Currency"] = "eur",
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_person_tries_three_seats_without_a_card_goes_on_with_one_and_cancels()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/pricing"));
        await Expect(page).ToHaveTitleAsync("Pricing · Tidyline");
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Or €150 a year");
        await page.GetByRole(AriaRole.Link, new() { Name = "Choose Team" }).ClickAsync();
        await SignUpAsync(page);
        await PageAppearance.CheckAsync(page, "plan-seats");

        await page.GetByLabel("Seats").FillAsync("3");
        await PressAsync(page, "Choose Team by the year");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Subscribe to Tidyline Team" })).ToBeVisibleAsync();
        await page.GetByLabel("No card").CheckAsync();
        var simulator = new Uri(new Uri(page.Url), "/").ToString();
        await PressAsync(page, "Start trial");
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Thank you. You are on the Team plan now.");
        await Expect(page.GetByText("0 of 600")).ToBeVisibleAsync();

        await page.GotoAsync(simulator);
        await PressAsync(page, "A month passes");
        await ButtonComesAsync(page, "Add a payment method");
        await PageAppearance.CheckAsync(page, "plan-paused");
        await Expect(page.GetByText("0 of 10")).ToBeVisibleAsync();
        await PressAsync(page, "Add a payment method");
        await Expect(page.GetByText("Nothing is charged now.")).ToBeVisibleAsync();
        await page.GetByLabel("Card works").CheckAsync();
        await PressAsync(page, "Save");
        await ButtonComesAsync(page, "Change or cancel");
        await Expect(page.GetByText("0 of 600")).ToBeVisibleAsync();

        await PressAsync(page, "Change or cancel");
        await page.GetByRole(AriaRole.Link, new() { Name = "Cancel plan" }).First.ClickAsync();
        await PressAsync(page, "Cancel plan");
        await page.GetByRole(AriaRole.Link, new() { Name = "Return" }).First.ClickAsync();
        await PlanSaysAsync(page, main => Expect(main).ToContainTextAsync("From then on: the Hobby plan. Nothing more is charged."));
        _consoleErrors.ShouldBeEmpty();
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private static async Task SignUpAsync(IPage page)
    {
        await page.GetByLabel("Email").FillAsync("ada@example.com");
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await PressAsync(page, "Create the account");
        await PressAsync(page, "Copy the API key");
        page.Dialog += static async (_, dialog) => await dialog.AcceptAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Go on to the plans" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Plan");
    }

    private Task ButtonComesAsync(IPage page, string button) =>
        PlanSaysAsync(page, main => Expect(main.GetByRole(AriaRole.Button, new() { Name = button })).ToBeVisibleAsync());

    /// <summary>The plan follows an event of Stripe's, which takes a moment.</summary>
    private async Task PlanSaysAsync(IPage page, Func<ILocator, Task> says) => await Eventually.HoldsAsync(
        async () =>
        {
            await page.GotoAsync(Address("/app/plan"));
            await says(page.GetByRole(AriaRole.Main));
        },
        cancellationToken: TestContext.Current.CancellationToken);

    private static Task PressAsync(IPage page, string button) =>
        page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
}

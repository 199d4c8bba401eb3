using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// samples/catalogues/formatter.json is set up, sold, used up, overrun, downgraded and cancelled, by a person in Chromium and a tool that
/// has the person's key. What each step costs is computed here, from the catalogue's prices, and compared with all that Stripe took.
/// </summary>
public sealed class CatalogueStoryTests(Browser browser) : IAsyncLifetime
{
    private const string Catalogue = "formatter.json";
    private const int HobbyLimit = 10;
    private const int CrewLimit = 40;
    private const int GuildLimit = 100;
    private const int CrewMonth = 1200;
    private const int GuildYear = 25_000;
    private const int CrewOverage = 35;
    private const int Pack = 50;
    private const int PackPrice = 1500;

    private readonly List<string> _consoleErrors = [];
    private readonly List<long> _paid = [];
    private SampleShop _shop = null!;
    private IPage _page = null!;
    private Caller _tool = null!;

    public async ValueTask InitializeAsync() => _shop = await SampleShop.OpenAsync(Catalogue);

    public ValueTask DisposeAsync() => _shop.DisposeAsync();

    [Fact]
    public async Task A_catalogue_is_sold_used_up_overrun_downgraded_and_cancelled_for_what_it_says()
    {
        _shop.Printed.Keys.Order().ShouldBe(
        [
            "STRIPE_PORTAL_CONFIGURATION", "STRIPE_PRICE_CREDITS_FIFTY",
            "STRIPE_PRICE_CREW", "STRIPE_PRICE_CREW_OVERAGE", "STRIPE_PRICE_CREW_OVERAGE_YEAR", "STRIPE_PRICE_CREW_YEAR",
            "STRIPE_PRICE_GUILD", "STRIPE_PRICE_GUILD_OVERAGE", "STRIPE_PRICE_GUILD_OVERAGE_YEAR", "STRIPE_PRICE_GUILD_YEAR",
            "STRIPE_WEBHOOK_SECRET",
        ]);
        _page = await browser.OpenAsync(_consoleErrors, _shop.Address("/pricing"));

        await TryTwoSeatsOfCrewWithoutACardAsync();
        await BuyThreeSeatsOfGuildForAYearAsync();
        var yearEnds = _shop.Now.AddYears(1);
        await UseUpTheSeatsAndBuyCreditsAsync();
        await ChooseTwoSeatsOfCrewForTheYearsEndAsync(yearEnds);
        await PassTheYearAsync(yearEnds);
        await UseCreditsThenOverageAsync();
        await PayForTheMonthAsync(yearEnds.AddMonths(1));
        await CancelAsync(yearEnds.AddMonths(2));
        _consoleErrors.ShouldBeEmpty();
    }

    private async Task TryTwoSeatsOfCrewWithoutACardAsync()
    {
        await FollowAsync("Choose Crew");
        await SignUpAsync();
        await ChooseAsync("Crew", seats: 2, "month");
        await Expect(_page.GetByRole(AriaRole.Heading, new() { Name = "Subscribe to Ironline Crew" })).ToBeVisibleAsync();
        await _page.GetByLabel("No card").CheckAsync();
        await PressAsync("Start trial");
        await ShowsAsync("Used this month", $"0 of {2 * CrewLimit}");

        _shop.PassTo(_shop.Now.AddDays(15));
        await ShowsAsync("Used this month", $"0 of {HobbyLimit}");
        await Expect(_page.GetByRole(AriaRole.Button, new() { Name = "Add a payment method" })).ToBeVisibleAsync();
        await HasPaidAsync();
    }

    private async Task BuyThreeSeatsOfGuildForAYearAsync()
    {
        await ChooseAsync("Guild", seats: 3, "year");
        await Expect(_page.GetByRole(AriaRole.Heading, new() { Name = "Subscribe to Ironline Guild" })).ToBeVisibleAsync();
        await Expect(_page.GetByRole(AriaRole.Main)).ToContainTextAsync($"Tax20%{Euros(3 * GuildYear / 5)}");
        await PayAsync(WithTax(3 * GuildYear));

        await ShowsAsync("Used this month", $"0 of {3 * GuildLimit}");
        await HasPaidAsync(WithTax(3 * GuildYear));
    }

    private async Task UseUpTheSeatsAndBuyCreditsAsync()
    {
        await UseAsync(3 * GuildLimit);
        await IsRefusedAsync(quantity: 1);

        _shop.PassTo(_shop.Now.AddMinutes(1));
        await _page.GotoAsync(_shop.Address("/app/plan"));
        await PressAsync("Buy 50 migrations for €15");
        await Expect(_page.GetByRole(AriaRole.Heading, new() { Name = "Pay for Ironline 50 migrations" })).ToBeVisibleAsync();
        await PayAsync(WithTax(PackPrice));
        await ShowsAsync("Credits left", $"{Pack}");
        await HasPaidAsync(WithTax(PackPrice));

        await UseAsync(20);
        await ShowsAsync("Credits left", $"{Pack - 20}");
        await IsRefusedAsync(quantity: Pack - 20 + 1);
    }

    private async Task ChooseTwoSeatsOfCrewForTheYearsEndAsync(DateTimeOffset yearEnds)
    {
        await PressAsync("Change or cancel");
        await FollowAsync("Switch plan");
        await _page.GetByLabel(new Regex("Ironline Crew.*per month", RegexOptions.None, TimeSpan.FromSeconds(1))).CheckAsync();
        await _page.GetByLabel("Seats").FillAsync("2");
        await PressAsync("Switch plan");
        await Expect(_page.GetByRole(AriaRole.Main)).ToContainTextAsync("Changes to Ironline Crew × 2, €12.00 per month, on ");
        await FollowAsync("Return");

        await MainShowsAsync($"Until {Day(yearEnds)}. From then on: the Crew plan, as you chose.");
        await ShowsAsync("Used this month", $"{(3 * GuildLimit) + 20} of {3 * GuildLimit}");
        await HasPaidAsync();
    }

    private async Task PassTheYearAsync(DateTimeOffset yearEnds)
    {
        _shop.PassTo(yearEnds.AddMinutes(1));
        await SignInAsync();

        await ShowsAsync("Used this month", $"0 of {2 * CrewLimit}");
        await ShowsAsync("Credits left", $"{Pack - 20}");
        await HasPaidAsync(WithTax(2 * CrewMonth));
    }

    private async Task UseCreditsThenOverageAsync()
    {
        await _page.GetByLabel("Overage a month, €0.35 for each migration").FillAsync("25");
        await PressAsync("Set the limit");
        await ShowsAsync("Overage this month", "0 of 25");

        await UseAsync(2 * CrewLimit);
        await UseAsync(Pack - 20);
        await IsRefusedAsync(quantity: 26);
        await UseAsync(18, released: 7);

        await ShowsAsync("Credits left", "0");
        await ShowsAsync("Overage this month", "18 of 25");
        await _shop.OverageIsReportedAsync();
        await HasPaidAsync();
    }

    private async Task PayForTheMonthAsync(DateTimeOffset monthEnds)
    {
        _shop.PassTo(monthEnds.AddMinutes(1));
        await SignInAsync();

        await ShowsAsync("Used this month", $"0 of {2 * CrewLimit}");
        await HasPaidAsync(WithTax((2 * CrewMonth) + (18 * CrewOverage)));
        await FollowAsync("Invoices");
        await Expect(_page.GetByRole(AriaRole.Main)).ToContainTextAsync(Euros(WithTax((2 * CrewMonth) + (18 * CrewOverage))));
    }

    private async Task CancelAsync(DateTimeOffset monthEnds)
    {
        await UseAsync(2 * CrewLimit);
        await UseAsync(4);
        await _shop.OverageIsReportedAsync();
        await _page.GotoAsync(_shop.Address("/app/plan"));
        await PressAsync("Change or cancel");
        await FollowAsync("Cancel plan");
        await PressAsync("Cancel plan");
        await FollowAsync("Return");
        await MainShowsAsync(
            $"Ends on {Day(monthEnds)}. From then on: the Hobby plan. Nothing more is charged but the overage that is used until then.");
        await HasPaidAsync();

        _shop.PassTo(monthEnds.AddMinutes(1));
        await SignInAsync();
        await ShowsAsync("Used this month", $"0 of {HobbyLimit}");
        await HasPaidAsync(WithTax(4 * CrewOverage));
        (await _tool.GetAsync("/quota"))["plan"].GetString().ShouldBe("hobby");
        await IsRefusedAsync(HobbyLimit + 1);
    }

    /// <summary>Every tax of the simulator is a fifth, and every sum here has one in whole cents.</summary>
    private static long WithTax(long cents) => cents + (cents / 5);

    private static string Euros(long cents) => (cents / 100m).ToString("€#,0.00", CultureInfo.InvariantCulture);

    private static string Day(DateTimeOffset instant) => instant.ToString("d MMMM yyyy", CultureInfo.InvariantCulture);

    /// <summary>That Stripe has taken these sums since the last time, and nothing else ever.</summary>
    private async Task HasPaidAsync(params long[] sums)
    {
        _paid.AddRange(sums);
        (await _shop.ReadTakenAsync()).ShouldBe(_paid);
    }

    private async Task UseAsync(int quantity, int released = 0)
    {
        var held = await _tool.PostAsync("/quota/reservations", new { tier = "tier1", quantity = quantity + released });
        held.Status.ShouldBe(201, held.Text);
        var committed = await _tool.PostAsync($"/quota/reservations/{held.Id()}/commit", new { quantity });
        committed.Status.ShouldBe(200, committed.Text);
    }

    private async Task IsRefusedAsync(int quantity) =>
        (await _tool.PostAsync("/quota/reservations", new { tier = "tier1", quantity })).Code.ShouldBe("quota_exceeded");

    private async Task SignUpAsync()
    {
        await _page.GetByLabel("Email").FillAsync("ada@example.com");
        await _page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await PressAsync("Create the account");
        _tool = _shop.Tool((await _page.Locator(".secret").TextContentAsync())!.Trim());
        await PressAsync("Copy the API key");
        _page.Dialog += static async (_, dialog) => await dialog.AcceptAsync();
        await FollowAsync("Go on to the plans");
    }

    /// <summary>As after a session has ended.</summary>
    private async Task SignInAsync()
    {
        await _page.Context.ClearCookiesAsync();
        await _page.GotoAsync(_shop.Address("/app/plan"));
        await _page.GetByLabel("Email").FillAsync("ada@example.com");
        await _page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await PressAsync("Sign in");
        await Expect(_page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Plan");
    }

    private async Task ChooseAsync(string plan, int seats, string interval)
    {
        var card = _page.GetByRole(AriaRole.Listitem).Filter(new() { Has = _page.GetByRole(AriaRole.Heading, new() { Name = plan }) });
        await card.GetByLabel("Seats").FillAsync(seats.ToString(CultureInfo.InvariantCulture));
        await PressAsync($"Choose {plan} by the {interval}");
    }

    private async Task PayAsync(long cents)
    {
        await _page.GetByLabel("Card works").CheckAsync();
        await PressAsync($"Pay {Euros(cents)}");
        await Expect(_page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Plan");
    }

    /// <summary>What the page of the plan says follows an event of Stripe's, which takes a moment.</summary>
    private Task<TimeSpan> ShowsAsync(string figure, string value) => EventuallyAsync(async () =>
        (await _page.Locator($"dt:text-is('{figure}') + dd").TextContentAsync(new() { Timeout = 1000 })).ShouldBe(value));

    private Task<TimeSpan> MainShowsAsync(string text) => EventuallyAsync(async () =>
        (await _page.GetByRole(AriaRole.Main).TextContentAsync(new() { Timeout = 1000 }))!.ShouldContain(text));

    private Task<TimeSpan> EventuallyAsync(Func<Task> assertions) => Eventually.HoldsAsync(
        async () =>
        {
            await _page.GotoAsync(_shop.Address("/app/plan"));
            await assertions();
        },
        cancellationToken: TestContext.Current.CancellationToken);

    private Task FollowAsync(string link) => _page.GetByRole(AriaRole.Link, new() { Name = link }).First.ClickAsync();

    private Task PressAsync(string button) => _page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
}

using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using PyResolve.StripeSimulator;
using PyResolve.StripeSimulator.Objects;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>The simulator's hosted pages in Chromium. No page may log an error on the browser's console.</summary>
public sealed class SimulatorPageTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private StripeSimulatorHost _host = null!;
    private SimulatorApi _api = null!;

    private Simulation Simulation => _host.Simulation;

    public async ValueTask InitializeAsync()
    {
        _host = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = new TestClock() });
        _api = await SimulatorApi.SetUpAsync(_host);
    }

    public async ValueTask DisposeAsync()
    {
        _api.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_person_whose_card_is_declined_uses_another_card_and_subscribes()
    {
        var page = await browser.OpenAsync(_consoleErrors, await _api.CheckoutAsync());
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Subscribe to PyResolve Pro" })).ToBeVisibleAsync();

        await page.GetByLabel("Card is declined").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pay $19.00" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Your card was declined.");
        Simulation.SubscriptionsOf(_api.Customer).ShouldBeEmpty();
        await page.GetByLabel("Card works").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pay $19.00" }).ClickAsync();

        await ExpectAddressAsync(page, @"/\?paid=cs_test_\w+$");
        Simulation.Subscription(Simulation.SubscriptionsOf(_api.Customer).ShouldHaveSingleItem()).Status.ShouldBe("active");
        _consoleErrors.ShouldAllBe(error => error.Contains("the server responded with a status of 402"));
    }

    [Fact]
    public async Task A_person_goes_back_without_paying()
    {
        var page = await browser.OpenAsync(_consoleErrors, await _api.CheckoutAsync());

        await page.GetByRole(AriaRole.Link, new() { Name = "Back" }).ClickAsync();

        await ExpectAddressAsync(page, @"/\?back$");
        Simulation.SubscriptionsOf(_api.Customer).ShouldBeEmpty();
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_person_switches_cancels_and_keeps_a_plan_in_the_portal()
    {
        Simulation.Subscribe(_api.Customer, _api.Pro);
        var page = await browser.OpenAsync(_consoleErrors, await _api.PortalAsync());

        await page.GetByRole(AriaRole.Link, new() { Name = "Switch plan" }).ClickAsync();
        await page.GetByLabel("PyResolve Unlimited").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Switch plan" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("$99.00 per month");
        await page.GetByRole(AriaRole.Link, new() { Name = "Cancel plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel plan" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Ends on December 15, 2026.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep plan" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Renews on December 15, 2026.");
        await page.GetByRole(AriaRole.Link, new() { Name = "Return" }).ClickAsync();

        await ExpectAddressAsync(page, @"/\?returned$");
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_person_whose_renewal_failed_uses_another_card_and_keeps_the_plan()
    {
        Simulation.ReplaceCard(_api.Customer, CardBehaviour.FailsOnRenewal);
        var subscription = Simulation.Subscription(Simulation.Subscribe(_api.Customer, _api.Pro));
        var page = await browser.OpenAsync(_consoleErrors, _host.Address.ToString());
        await page.GetByRole(AriaRole.Button, new() { Name = "A month passes" }).ClickAsync();
        await Expect(page.GetByText("past due")).ToBeVisibleAsync();

        await page.GotoAsync(await _api.PortalAsync());
        await page.GetByRole(AriaRole.Link, new() { Name = "Update payment method" }).ClickAsync();
        await page.GetByLabel("Card works").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save card" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("A card that works");
        subscription.Status.ShouldBe("active");
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await browser.OpenAsync(_consoleErrors, await _api.CheckoutAsync());

        await PageAppearance.CheckAsync(page, "checkout");
        await page.GetByLabel("Card is declined").CheckAsync();
        await page.GetByRole(AriaRole.Button).ClickAsync();
        await PageAppearance.CheckAsync(page, "checkout-declined");
        Simulation.AddWebhookEndpoint(new Uri("http://127.0.0.1:9/"));
        Simulation.Webhooks.Pause();
        Simulation.Subscribe(_api.Customer, _api.Pro);
        await page.GotoAsync(await _api.PortalAsync());
        await PageAppearance.CheckAsync(page, "portal");
        foreach (var step in new[] { "Switch plan", "Cancel plan", "Update payment method" })
        {
            await page.GetByRole(AriaRole.Link, new() { Name = step }).ClickAsync();
            await PageAppearance.CheckAsync(page, $"portal-{step.Split(' ')[0].ToLowerInvariant()}");
            await page.GetByRole(AriaRole.Link, new() { Name = "Billing" }).ClickAsync();
        }

        await page.GotoAsync(_host.Address.ToString());
        await PageAppearance.CheckAsync(page, "controls");
    }

    [Fact]
    public async Task Seats_the_log_invoices_and_every_command_fit_a_screen_too()
    {
        Simulation.AddWebhookEndpoint(new Uri("http://127.0.0.1:9/"));
        Simulation.Webhooks.Pause();
        var subscription = Simulation.Subscription(Simulation.Subscribe(_api.Customer, _api.Pro));
        subscription.DisputePayment();
        var page = await browser.OpenAsync(_consoleErrors, await _api.PortalAsync());

        await page.GetByRole(AriaRole.Link, new() { Name = "Switch plan" }).ClickAsync();
        await page.GetByLabel("PyResolve Unlimited").CheckAsync();
        await page.GetByLabel("Seats").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Switch plan" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("PyResolve Unlimited × 3");
        await page.GetByRole(AriaRole.Link, new() { Name = "Switch plan" }).ClickAsync();
        await page.GetByLabel("PyResolve Pro").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Switch plan" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "portal-scheduled");
        await page.GotoAsync(await _api.SetupAsync());
        await PageAppearance.CheckAsync(page, "checkout-setup");
        await page.GotoAsync(await _api.InvoiceAsync());
        await PageAppearance.CheckAsync(page, "invoice");
        await page.GotoAsync(_host.Address.ToString());
        await page.GetByText("More", new() { Exact = true }).ClickAsync();
        await PageAppearance.CheckAsync(page, "controls-more");
        await page.GetByRole(AriaRole.Link, new() { Name = "All events" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "events");
        await page.GetByRole(AriaRole.Row).Nth(1).GetByRole(AriaRole.Link).First.ClickAsync();
        await PageAppearance.CheckAsync(page, "event");
    }

    [Fact]
    public async Task Nothing_that_is_pressed_touches_another_on_a_phone()
    {
        Simulation.AddWebhookEndpoint(new Uri("http://127.0.0.1:9/"));
        Simulation.Webhooks.Pause();
        Simulation.Subscription(Simulation.Subscribe(_api.Customer, _api.Pro)).DisputePayment();
        var page = await browser.OpenAsync(_consoleErrors, _host.Address.ToString());
        await page.SetViewportSizeAsync(390, 820);

        await page.GetByText("More", new() { Exact = true }).ClickAsync();
        (await TouchingAsync(page)).ShouldBeEmpty();
        foreach (var address in (string[])[await _api.PortalAsync(), await _api.CheckoutAsync(), $"{_host.Address}events"])
        {
            await page.GotoAsync(address);
            (await TouchingAsync(page)).ShouldBeEmpty(address);
        }
    }

    /// <summary>Pairs of controls and tables with less than 6 pixels between them, unless one is in the other.</summary>
    private static Task<string[]> TouchingAsync(IPage page) => page.EvaluateAsync<string[]>("""
        () => {
          const all = [...document.querySelectorAll('button, a.button, select, table, summary, input:not([type=radio]):not([type=hidden])')]
            .map(element => ({ element, box: element.getBoundingClientRect() }))
            .filter(({ box }) => box.width > 0 && box.height > 0);
          const name = ({ element, box }) =>
            `${element.tagName} "${(element.innerText || element.name || '').slice(0, 30)}" at ${Math.round(box.x)},${Math.round(box.y)}`;
          const gap = (a, b) => Math.max(
            Math.max(a.left, b.left) - Math.min(a.right, b.right), Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom));
          const pairs = [];
          all.forEach((a, i) => all.slice(i + 1).forEach(b => {
            if (!a.element.contains(b.element) && !b.element.contains(a.element) && gap(a.box, b.box) < 6)
              pairs.push(`${name(a)} and ${name(b)}`);
          }));
          return pairs;
        }
        """);

    private static Task ExpectAddressAsync(IPage page, [StringSyntax(StringSyntaxAttribute.Regex)] string pattern) =>
        Expect(page).ToHaveURLAsync(new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(1)));
}

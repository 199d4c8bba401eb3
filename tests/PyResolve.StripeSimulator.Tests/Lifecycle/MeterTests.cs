using Stripe;
using Stripe.Billing;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>Usage that is reported to a meter, and billed when the period ends.</summary>
public sealed class MeterTests : IAsyncLifetime
{
    private Stage _stage = null!;
    private string _customer = "";
    private string _price = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        var meter = await _stage.Stripe.Billing.Meters.CreateAsync(
            new()
            {
                DisplayName = "Resolutions",
                EventName = "resolutions",
                DefaultAggregation = new() { Formula = "sum" },
                CustomerMapping = new() { Type = "by_id", EventPayloadKey = "stripe_customer_id" },
                ValueSettings = new() { EventPayloadKey = "value" },
            },
            cancellationToken: Cancellation);
        var price = await _stage.Stripe.Prices.CreateAsync(
            new()
            {
                Currency = "usd",
                UnitAmount = 2,
                ProductData = new() { Name = "Overage" },
                Recurring = new() { Interval = "month", UsageType = "metered", Meter = meter.Id },
            },
            cancellationToken: Cancellation);
        _price = price.Id;
        _customer = _stage.Simulation.AddCustomer();
        await _stage.Stripe.Subscriptions.CreateAsync(
            new() { Customer = _customer, Items = [new() { Price = _stage.Pro }, new() { Price = _price }] },
            cancellationToken: Cancellation);
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task What_was_used_is_billed_once_at_the_end_of_its_period()
    {
        await ReportAsync("a", 30);
        await ReportAsync("b", 12);

        _stage.Simulation.Advance(TimeSpan.FromDays(31));
        await ReportAsync("c", 1);
        _stage.Simulation.Advance(TimeSpan.FromDays(31));
        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        (await TotalsAsync()).ShouldBe([1900, 1902, 1984, 1900]);
    }

    [Fact]
    public async Task An_identifier_is_refused_for_a_day_and_billed_once()
    {
        await ReportAsync("a", 30);
        _stage.Clock.Advance(TimeSpan.FromHours(23));

        var refused = await Should.ThrowAsync<StripeException>(() => ReportAsync("a", 30));

        refused.StripeError.Message.ShouldBe("An event already exists with identifier a.");
        _stage.Simulation.Advance(TimeSpan.FromDays(31));
        (await TotalsAsync())[0].ShouldBe(1960);
    }

    [Fact]
    public async Task A_subscription_that_ends_bills_what_was_used_last()
    {
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.SubscriptionsOf(_customer).Single());
        subscription.CancelAtPeriodEnd();
        await ReportAsync("a", 30);

        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        subscription.Status.ShouldBe("canceled");
        (await TotalsAsync()).ShouldBe([60, 1900]);
    }

    [Fact]
    public async Task Usage_is_summed_up_and_taken_back()
    {
        await ReportAsync("a", 30);
        await ReportAsync("b", 12);
        await _stage.Stripe.Billing.MeterEventAdjustments.CreateAsync(
            new() { EventName = "resolutions", Type = "cancel", Cancel = new() { Identifier = "a" } }, cancellationToken: Cancellation);

        var meter = (await _stage.Stripe.Billing.Meters.ListAsync(new() { Status = "active" }, cancellationToken: Cancellation)).Single();
        var day = _stage.Simulation.Now.UtcDateTime.Date;
        var summary = await _stage.Stripe.Billing.Meters.EventSummaries.ListAsync(
            meter.Id, new() { Customer = _customer, StartTime = day, EndTime = day.AddDays(1) }, cancellationToken: Cancellation);

        summary.Single().AggregatedValue.ShouldBe(12);
    }

    [Theory]
    [InlineData("event_name=nothing&payload[stripe_customer_id]=x&payload[value]=1", "event_name")]
    [InlineData("event_name=resolutions&payload[stripe_customer_id]=cus_nobody&payload[value]=1", "payload[stripe_customer_id]")]
    [InlineData("event_name=resolutions&payload[value]=1", "payload[stripe_customer_id]")]
    [InlineData("event_name=resolutions&payload[stripe_customer_id]=CUSTOMER&payload[value]=much", "payload[value]")]
    [InlineData("event_name=resolutions&payload[stripe_customer_id]=CUSTOMER&payload[value]=1&timestamp=1", "timestamp")]
    [InlineData("event_name=resolutions&payload[stripe_customer_id]=CUSTOMER&payload[value]=1&timestamp=4102444800", "timestamp")]
    public async Task A_report_that_fits_no_meter_customer_or_time_is_refused(string form, string param)
    {
        var refused = await _stage.Api.PostAsync(
            "/v1/billing/meter_events", form.Replace("CUSTOMER", _customer, StringComparison.Ordinal));

        (refused.Status, refused.ErrorParam).ShouldBe((400, param));
    }

    private Task<MeterEvent> ReportAsync(string identifier, int value) => _stage.Stripe.Billing.MeterEvents.CreateAsync(
        new()
        {
            EventName = "resolutions",
            Identifier = identifier,
            Payload = new() { ["stripe_customer_id"] = _customer, ["value"] = $"{value}" },
        },
        cancellationToken: Cancellation);

    private async Task<List<long>> TotalsAsync() =>
        [.. (await _stage.Stripe.Invoices.ListAsync(new() { Customer = _customer }, cancellationToken: Cancellation))
            .Select(static invoice => invoice.AmountPaid)];
}

using System.Globalization;
using Stripe;
using Stripe.Billing;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Overage: meters, and what is reported to them.</summary>
internal sealed partial class StripeGateway
{
    private const string CustomerKey = "stripe_customer_id";
    private const string ValueKey = "value";

    public async Task<string?> FindMeterAsync(string eventName, CancellationToken cancellationToken) => (await ListAsync(
        new MeterListOptions { Status = "active" },
        list => Api.Billing.Meters.ListAsync(list, cancellationToken: cancellationToken),
        static meter => (meter.Id, meter.EventName))).FirstOrDefault(meter => meter.EventName == eventName).Id;

    public Task<string> CreateMeterAsync(string eventName, string title, CancellationToken cancellationToken)
    {
        var meter = new MeterCreateOptions
        {
            DisplayName = title,
            EventName = eventName,
            DefaultAggregation = new() { Formula = "sum" },
            CustomerMapping = new() { Type = "by_id", EventPayloadKey = CustomerKey },
            ValueSettings = new() { EventPayloadKey = ValueKey },
        };
        return StripeConnection.ReadAsync(
            Api.Billing.Meters.CreateAsync(meter, cancellationToken: cancellationToken), static made => made.Id);
    }

    public Task AddMeteredItemAsync(string subscriptionId, string price, string idempotencyKey, CancellationToken cancellationToken)
    {
        var added = new SubscriptionUpdateOptions { Items = [new() { Price = price }] };
        return StripeConnection.ReadAsync(
            Api.Subscriptions.UpdateAsync(subscriptionId, added, Under(idempotencyKey), cancellationToken), static changed => changed.Id);
    }

    public Task ReportUsageAsync(string meter, MeterReport report, CancellationToken cancellationToken)
    {
        var usage = new MeterEventCreateOptions
        {
            EventName = meter,
            Identifier = report.Identifier,
            Timestamp = report.CountsAt.UtcDateTime,
            Payload = new()
            {
                [CustomerKey] = report.CustomerId!,
                [ValueKey] = report.Units.ToString(CultureInfo.InvariantCulture),
            },
        };
        return StripeConnection.ReadAsync(
            Api.Billing.MeterEvents.CreateAsync(usage, Under(report.IdempotencyKey), cancellationToken), static made => made.Identifier);
    }
}

using System.CommandLine;
using System.Text.Json;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>The answers to "I paid, why am I on the free plan?".</summary>
internal static class StripeExplainCommand
{
    public static async Task<int> ExplainAsync(
        IServiceProvider services, string account, OperatorOutput output, CancellationToken cancellationToken)
    {
        if (await OperatorAccount.FindAsync(services, account, cancellationToken) is not { } found
            || await services.GetRequiredService<StripeExplanation>().ReadAsync(found.Id, cancellationToken) is not { } explained)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(account));
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer => Write(writer, found, explained))
            : await OperatorOutput.SayAsync(string.Join(
                Environment.NewLine, Describe(found, explained, services.GetRequiredService<TimeProvider>().GetInstant())));
    }

    public static async Task<int> ListUnclaimedAsync(IServiceProvider services, OperatorOutput output, CancellationToken cancellationToken)
    {
        var unclaimed = await services.GetRequiredService<UnclaimedCustomers>().ListAsync(cancellationToken);
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteStartArray("data");
                foreach (var customer in unclaimed)
                {
                    writer.WriteStartObject();
                    writer.WriteString("customer_id", customer.CustomerId);
                    writer.WriteString("subscription_id", customer.SubscriptionId);
                    writer.WriteString("plan", customer.Plan);
                    writer.WriteInstant("first_seen_at", customer.FirstSeenAt);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
        }

        if (unclaimed.Count == 0)
            return await OperatorOutput.SayAsync("Everyone who pays for a plan has an account.");
        var lines = unclaimed.Select(static customer =>
            $"{customer.FirstSeenAt:yyyy-MM-ddTHH:mm:ssZ}  {customer.CustomerId,-24}  {customer.SubscriptionId,-32}  {customer.Plan}");
        return await OperatorOutput.SayAsync(string.Join(
            Environment.NewLine,
            lines
                .Prepend($"{"SINCE",-20}  {"CUSTOMER",-24}  {"SUBSCRIPTION",-32}  PLAN")
                .Append("To give one to an account, set user_id in the customer's metadata at Stripe to the account's id, and run "
                    + "'stripe sync --customer <id>'.")));
    }

    public static IEnumerable<string> Describe(OperatorAccount account, ExplainedPlan explained, DateTimeOffset now)
    {
        var profile = explained.Profile;
        yield return $"{account.Email} is on the {explained.Plan} plan"
            + (profile.Until is { } until && until > now ? $" until {Text(until)}, then {explained.Then}." : ".");
        if (explained.Least is { } least)
        {
            yield return $"An operator set that it is never less than {least}"
                + (profile.OverrideUntil is { } end ? $" until {Text(end)}." : ".");
        }
        else if (profile.IsSetByOperator)
        {
            yield return "An operator gave it this plan by hand, and no subscription changes that.";
        }

        if (explained.Customers.Count == 0)
            yield return "It has no Stripe customer: it has never begun a checkout. If someone paid all the same, see 'stripe unclaimed'.";
        foreach (var customer in explained.Customers)
        {
            var what = customer.Subscriptions switch { null => " Stripe no longer has it.", [] => " no subscription.", _ => "" };
            yield return $"Customer {customer.Id}{(customer.IsLinked ? "" : ", no longer the account's")}:{what}";
            foreach (var subscription in customer.Subscriptions ?? [])
                yield return $"  {Describe(subscription)}";
            foreach (var stored in customer.Events)
                yield return $"  {Text(stored.ReceivedAt)}  {stored.Type}  {stored.State}{(stored.Note is { } note ? $": {note}" : "")}";
        }
    }

    private static string Describe(ExplainedSubscription subscription) =>
        $"{subscription.Id}, {subscription.Status}, of {subscription.Price ?? "no price"} ({subscription.PriceIsOf ?? "no plan"}): gives "
        + subscription.Gives
        + (subscription.Until is { } until ? $" until {Text(until)}" : "")
        + (subscription.Because is { } because ? $", because {because}." : ".");

    private static string Text(DateTimeOffset instant) => $"{instant.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}";

    private static void Write(Utf8JsonWriter writer, OperatorAccount account, ExplainedPlan explained)
    {
        account.Write(writer, explained.Plan);
        writer.WriteInstant("plan_until", explained.Profile.Until);
        writer.WriteString("plan_then", explained.Then);
        writer.WriteString("plan_override", explained.Least);
        writer.WriteInstant("plan_override_until", explained.Least is null ? null : explained.Profile.OverrideUntil);
        writer.WriteStartArray("customers");
        foreach (var customer in explained.Customers)
        {
            writer.WriteStartObject();
            writer.WriteString("id", customer.Id);
            writer.WriteBoolean("linked", customer.IsLinked);
            writer.WriteBoolean("at_stripe", customer.Subscriptions is not null);
            writer.WriteStartArray("subscriptions");
            foreach (var subscription in customer.Subscriptions ?? [])
                Write(writer, subscription);
            writer.WriteEndArray();
            writer.WriteStartArray("events");
            foreach (var stored in customer.Events)
                Write(writer, stored);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, ExplainedSubscription subscription)
    {
        writer.WriteStartObject();
        writer.WriteString("id", subscription.Id);
        writer.WriteString("status", subscription.Status);
        writer.WriteString("price", subscription.Price);
        writer.WriteString("price_is_of", subscription.PriceIsOf);
        writer.WriteString("gives", subscription.Gives);
        writer.WriteInstant("until", subscription.Until);
        writer.WriteString("because", subscription.Because);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, InboxEvent stored)
    {
        writer.WriteStartObject();
        writer.WriteString("id", stored.Id);
        writer.WriteString("type", stored.Type);
        writer.WriteString("state", stored.State);
        writer.WriteString("note", stored.Note);
        writer.WriteInstant("received_at", stored.ReceivedAt);
        writer.WriteEndObject();
    }
}

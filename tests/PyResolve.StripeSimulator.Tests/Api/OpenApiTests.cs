using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>
/// Compares the simulator's table with Stripe's description of its API (version 2023-08-16), if <c>STRIPE_OPENAPI</c> names that file. The
/// changes at Stripe since then are listed here, by call; without the file, only the listed parameters are checked.
/// </summary>
public sealed class OpenApiTests(ITestOutputHelper output)
{
    /// <summary>New since 2023-08-16.</summary>
    private static readonly string[] Added =
    [
        "GET /v1/billing/meters",
        "GET /v1/billing/meters/{id}",
        "GET /v1/billing/meters/{id}/event_summaries",
        "GET /v1/checkout/sessions created",
        "GET /v1/checkout/sessions status",
        "GET /v1/invoice_payments",
        "GET /v1/invoice_payments/{id}",
        "POST /v1/billing/meter_event_adjustments",
        "POST /v1/billing/meter_events",
        "POST /v1/billing/meters",
        "POST /v1/billing/meters/{id}",
        "POST /v1/billing/meters/{id}/deactivate",
        "POST /v1/billing/meters/{id}/reactivate",
        "POST /v1/billing_portal/configurations features.subscription_update.schedule_at_period_end",
        "POST /v1/billing_portal/configurations features.subscription_update.trial_update_behavior",
        "POST /v1/billing_portal/configurations/{id} features.subscription_update.schedule_at_period_end",
        "POST /v1/billing_portal/configurations/{id} features.subscription_update.trial_update_behavior",
        "POST /v1/checkout/sessions integration_identifier",
        "POST /v1/checkout/sessions managed_payments",
        "POST /v1/checkout/sessions subscription_data.billing_mode",
        "POST /v1/invoiceitems pricing",
        "POST /v1/invoices/create_preview",
        "POST /v1/prices recurring.meter",
        "POST /v1/promotion_codes promotion",
        "POST /v1/subscriptions billing_mode",
        "POST /v1/subscriptions discounts",
        "POST /v1/subscriptions/{id} discounts",
    ];

    /// <summary>Required in 2023-08-16, and not any more; or, of a card, required in one of several forms.</summary>
    private static readonly string[] Relaxed =
    [
        "POST /v1/billing_portal/configurations business_profile",
        "POST /v1/billing_portal/configurations features.subscription_update.default_allowed_updates",
        "POST /v1/billing_portal/configurations features.subscription_update.products",
        "POST /v1/checkout/sessions success_url",
        "POST /v1/payment_methods card.exp_month",
        "POST /v1/payment_methods card.exp_year",
        "POST /v1/payment_methods card.number",
        "POST /v1/payment_methods card.token",
        "POST /v1/promotion_codes coupon",
    ];

    [Fact]
    public async Task The_table_has_no_parameter_that_Stripe_does_not_have_and_requires_what_Stripe_requires()
    {
        if (await StripeOpenApi.LoadAsync() is not { } stripe)
        {
            output.WriteLine("STRIPE_OPENAPI names no file: the table is checked against the noted parameters alone.");
            CheckNotes();
            return;
        }

        var differences = ParameterTable.Rules.SelectMany(line => stripe.Find(line.Key) is { } call
            ? Compare(line.Key + " ", line.Value, call)
            : [$"{line.Key} is not described"]);

        string[] known =
            [.. Added.Select(static name => $"{name} is not described"), .. Relaxed.Select(static name => $"{name} should be required")];
        differences.ShouldBe(known, ignoreOrder: true);
    }

    [Fact]
    public async Task Every_listed_parameter_is_in_Stripes_description()
    {
        if (await StripeOpenApi.LoadAsync() is not { } stripe)
        {
            output.WriteLine("STRIPE_OPENAPI names no file: the notes are checked against the table alone.");
            CheckNotes();
            return;
        }

        foreach (var call in NotedParameters.Calls.Keys.Except(Added))
        {
            var described = stripe.Find(call).ShouldNotBeNull(call);
            foreach (var path in NotedParameters.Of(call))
            {
                var name = $"{call} {path[0].Name}";
                if (!Added.Contains(name) && !Added.Any(added => added.StartsWith($"{name}.", StringComparison.Ordinal)))
                    described.Members.ShouldContainKey(path[0].Name, call);
            }
        }
    }

    private static void CheckNotes()
    {
        foreach (var call in NotedParameters.Calls.Keys)
            new ParameterTableTests().The_table_matches_the_list_of_parameters(call);
    }

    private static IEnumerable<string> Compare(string path, ParameterRule ours, ParameterNode theirs)
    {
        foreach (var (name, rule) in ours.Members)
        {
            var at = name == "[]" ? path : $"{path}{name}";
            if (!theirs.Members.TryGetValue(name, out var node))
            {
                yield return $"{at.TrimEnd('.')} is not described";
                continue;
            }

            if (node.IsRequired && !rule.IsRequired)
                yield return $"{at} should be required";
            if (rule.IsRequired && !node.IsRequired)
                yield return $"{at} should not be required";
            foreach (var difference in Compare(name == "[]" ? path : $"{at}.", rule, node))
                yield return difference;
        }

        foreach (var (name, node) in theirs.Members)
        {
            if (node.IsRequired && !ours.Members.ContainsKey(name) && ours.Members.Count > 0)
                yield return $"{path}{name} should be required";
        }
    }
}

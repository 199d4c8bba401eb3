using System.Text.Json;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// The parameters that Stripe accepts, by route. An asterisk marks a required one; <c>[]</c> stands for a number, <c>[*]</c> for any key.
/// </summary>
internal static partial class StripeParameters
{
    private static readonly Dictionary<string, string[]> Routes = new(StringComparer.Ordinal)
    {
        ["POST /v1/customers"] = ["email", "name", "metadata[*]", "test_clock", "expand[]"],
        ["GET /v1/customers/{id}"] = ["expand[]"],
        ["POST /v1/customers/{id}"] = ["invoice_settings[default_payment_method]", "description"],
        ["POST /v1/subscriptions/{id}/resume"] = ["billing_cycle_anchor", "payment_behavior", "proration_behavior"],
        ["POST /v1/checkout/sessions"] =
        [
            "mode", "currency", "customer", "client_reference_id", "line_items[][price]", "line_items[][quantity]",
            "success_url", "cancel_url",
            "subscription_data[metadata][*]", "payment_intent_data[metadata][*]",
            "subscription_data[trial_period_days]",
            "subscription_data[trial_settings][end_behavior][missing_payment_method]", "payment_method_collection",
            "allow_promotion_codes", "automatic_tax[enabled]", "customer_update[address]",
            "customer_update[name]", "tax_id_collection[enabled]", "managed_payments[enabled]", "locale", "expires_at", "metadata[*]",
        ],
        ["GET /v1/checkout/sessions/{id}"] = ["expand[]"],
        ["GET /v1/checkout/sessions"] = ["customer", "status", "subscription", "created[gte]", "limit", "starting_after", "expand[]"],
        ["POST /v1/checkout/sessions/{id}/expire"] = [],
        ["GET /v1/invoices"] = ["customer", "status", "subscription", "limit", "starting_after", "expand[]"],
        ["GET /v1/charges"] = ["customer", "payment_intent", "created[gte]", "limit", "starting_after", "expand[]"],
        ["GET /v1/charges/{id}"] = ["expand[]"],
        ["GET /v1/disputes"] = ["charge", "payment_intent", "created[gte]", "limit", "starting_after", "expand[]"],
        ["GET /v1/invoice_payments"] =
            ["invoice", "payment[type]*", "payment[payment_intent]", "status", "created[gte]", "limit", "starting_after", "expand[]"],
        ["GET /v1/invoice_payments/{id}"] = ["expand[]"],
        ["GET /v1/setup_intents/{id}"] = ["expand[]"],
        ["GET /v1/subscription_schedules/{id}"] = ["expand[]"],
        ["GET /v1/subscriptions"] =
            ["customer", "status", "price", "created[gte]", "collection_method", "test_clock", "limit", "starting_after", "expand[]"],
        ["GET /v1/subscriptions/{id}"] = ["expand[]"],
        ["GET /v1/invoices/{id}"] = ["expand[]"],
        ["POST /v1/subscriptions/{id}"] = ["items[][price]", "items[][quantity]", "proration_behavior", "metadata[*]"],
        ["GET /v1/payment_intents/{id}"] = ["expand[]"],
        ["GET /v1/billing/meters/{id}"] = ["expand[]"],
        ["GET /v1/billing/meters"] = ["status", "limit", "starting_after"],
        ["POST /v1/billing/meters"] =
        [
            "display_name*", "event_name*", "default_aggregation[formula]*", "customer_mapping[type]*",
            "customer_mapping[event_payload_key]*", "value_settings[event_payload_key]",
        ],
        ["POST /v1/billing/meter_events"] = ["event_name*", "payload[*]", "identifier", "timestamp"],
        ["GET /v1/subscription_items"] = ["subscription*", "limit", "starting_after"],
        ["DELETE /v1/subscriptions/{id}"] = ["cancellation_details[comment]", "invoice_now", "prorate"],
        ["POST /v1/billing_portal/sessions"] = ["customer*", "return_url", "configuration", "locale"],
        ["GET /v1/billing_portal/configurations"] = ["active", "is_default", "limit", "starting_after", "expand[]"],
        ["POST /v1/billing_portal/configurations"] =
        [
            "business_profile[headline]*", "default_return_url", "metadata[*]", "features[invoice_history][enabled]*",
            "features[payment_method_update][enabled]*",
            "features[subscription_cancel][enabled]*", "features[subscription_cancel][mode]", "features[subscription_update][enabled]*",
            "features[subscription_update][default_allowed_updates][]*", "features[subscription_update][proration_behavior]",
            "features[subscription_update][products][][product]*", "features[subscription_update][products][][prices][]*",
            "features[subscription_update][products][][adjustable_quantity][enabled]",
            "features[subscription_update][products][][adjustable_quantity][minimum]",
            "features[subscription_update][products][][adjustable_quantity][maximum]",
            "features[subscription_update][schedule_at_period_end][conditions][][type]*",
            "features[subscription_update][trial_update_behavior]",
            "features[customer_update][enabled]", "features[customer_update][allowed_updates][]",
        ],
        ["POST /v1/billing_portal/configurations/{id}"] =
        [
            "business_profile[headline]", "default_return_url", "metadata[*]",
            "features[customer_update][enabled]", "features[customer_update][allowed_updates][]",
            "features[subscription_update][enabled]", "features[subscription_update][default_allowed_updates][]",
            "features[subscription_update][proration_behavior]", "features[subscription_update][products][][product]*",
            "features[subscription_update][products][][prices][]*",
            "features[subscription_update][products][][adjustable_quantity][enabled]",
            "features[subscription_update][products][][adjustable_quantity][minimum]",
            "features[subscription_update][products][][adjustable_quantity][maximum]",
            "features[subscription_update][schedule_at_period_end][conditions][][type]*",
            "features[subscription_update][trial_update_behavior]",
        ],
        ["GET /v1/products"] = ["active", "ids[]", "limit", "starting_after"],
        ["POST /v1/products"] = ["name*", "id", "metadata[*]", "default_price_data[currency]", "unit_label", "tax_code"],
        ["POST /v1/products/{id}"] = ["name", "tax_code", "metadata[*]"],
        ["GET /v1/prices"] = ["lookup_keys[]", "product", "active", "limit", "starting_after"],
        ["GET /v1/prices/{id}"] = ["expand[]"],
        ["POST /v1/prices"] =
            ["currency*", "product", "unit_amount", "recurring[interval]*", "recurring[meter]", "recurring[usage_type]", "lookup_key",
                "transfer_lookup_key", "metadata[*]"],
        ["GET /v1/events"] = ["type", "types[]", "created[gte]", "delivery_success", "ending_before", "limit", "starting_after"],
        ["GET /v1/webhook_endpoints"] = ["limit", "starting_after"],
        ["POST /v1/webhook_endpoints"] = ["url*", "enabled_events[]*", "api_version", "description", "metadata[*]"],
        ["POST /v1/webhook_endpoints/{id}"] = ["enabled_events[]", "description", "disabled", "url"],
    };

    /// <summary>The errors of a request according to the table.</summary>
    public static IEnumerable<string> Faults(EdgeRequest request)
    {
        if (!Routes.TryGetValue(RouteOf(request), out var known))
            return [$"{RouteOf(request)} is not among Stripe's routes"];
        var sent = request.Parameters.Select(static parameter => Number().Replace(parameter.Key, "[]")).ToHashSet(StringComparer.Ordinal);
        var names = known.Select(static name => name.TrimEnd('*')).ToList();
        return sent.Where(name => !names.Any(other =>
            name == other || (other.EndsWith("[*]", StringComparison.Ordinal) && name.StartsWith(other[..^2], StringComparison.Ordinal))))
            .Select(name => $"{RouteOf(request)} does not know {name}")
            .Concat(known.Where(static name => name.EndsWith('*') && !name.EndsWith("[*]", StringComparison.Ordinal))
                .Select(static name => name.TrimEnd('*'))
                .Where(name => !sent.Contains(name)).Select(name => $"{RouteOf(request)} lacks {name}"));
    }

    /// <summary>The errors of a request according to Stripe's OpenAPI file.</summary>
    public static IEnumerable<string> Faults(EdgeRequest request, JsonElement openApi)
    {
        var segments = RouteOf(request).Split(' ')[1].Split('/');
        var path = openApi.GetProperty("paths").EnumerateObject().Where(path => Matches(path.Name.Split('/'), segments))
            .Select(static path => path.Value).SingleOrDefault();
        if (path.ValueKind is not JsonValueKind.Object || !path.TryGetProperty(request.Method.ToLowerInvariant(), out var operation))
        {
            yield return $"{RouteOf(request)} is not in the file";
            yield break;
        }

        var body = request.Method == "POST"
            ? operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/x-www-form-urlencoded")
                .GetProperty("schema")
            : default;
        foreach (var (name, _) in request.Parameters)
        {
            var parts = name.Split('[').Select(static part => part.TrimEnd(']')).ToArray();
            var first = body.ValueKind is JsonValueKind.Object ? Step(body, parts[0]) : Query(operation, parts[0]);
            if (first is null
                || parts.Skip(1).Aggregate(first, static (schema, part) => schema is { } known ? Step(known, part) : null) is null)
                yield return $"{RouteOf(request)} does not know {name}";
        }

        var required = body.ValueKind is JsonValueKind.Object
            ? body.TryGetProperty("required", out var list) ? list.EnumerateArray().Select(static name => name.GetString()!) : []
            : operation.GetProperty("parameters").EnumerateArray()
                .Where(static parameter => parameter.GetProperty("in").GetString() == "query"
                && parameter.TryGetProperty("required", out var must) && must.GetBoolean()).Select(static parameter =>
                    parameter.GetProperty("name").GetString()!);
        foreach (var name in required.Where(name =>
            !request.Parameters.Any(parameter => parameter.Key == name || parameter.Key.StartsWith($"{name}[", StringComparison.Ordinal))))
            yield return $"{RouteOf(request)} lacks {name}";
    }

    private static JsonElement? Query(JsonElement operation, string name) => operation.GetProperty("parameters").EnumerateArray()
        .Where(parameter =>
            parameter.GetProperty("in").GetString() == "query" && parameter.GetProperty("name").GetString()!.TrimEnd('[', ']') == name)
        .Select(static parameter => (JsonElement?)parameter.GetProperty("schema")).SingleOrDefault();

    private static JsonElement? Step(JsonElement schema, string part)
    {
        if (schema.TryGetProperty("anyOf", out var choices))
            return choices.EnumerateArray().Select(choice => Step(choice, part)).FirstOrDefault(static found => found is not null);
        if (schema.TryGetProperty("items", out var items) && int.TryParse(part, out _))
            return items;
        if (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(part, out var property))
            return property;
        return schema.TryGetProperty("additionalProperties", out var any) && any.ValueKind is JsonValueKind.Object ? any : null;
    }

    private static string RouteOf(EdgeRequest request) => $"{request.Method} {Identifier().Replace(request.Path, "/{id}")}";

    private static bool Matches(string[] template, string[] segments) => template.Length == segments.Length
        && template.Zip(segments).All(static pair => pair.First == pair.Second || (pair.First.StartsWith('{') && pair.Second == "{id}"));

    [GeneratedRegex(@"\[\d+\]", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Number();

    [GeneratedRegex("/[a-z]+(_[a-z]*)+[0-9]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Identifier();
}

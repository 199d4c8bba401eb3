namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>
/// The parameters of Stripe's calls, from its documentation and changelogs up to 2026-07-29.dahlia, independent of the simulator's own
/// table, so that the two check each other. <c>*</c>: required within its object. Parameters are separated by commas.
/// </summary>
internal static class NotedParameters
{
    public static readonly IReadOnlyDictionary<string, string> Calls = new Dictionary<string, string>
    {
        ["POST /v1/customers"] = "email, name, metadata[user_id], test_clock, expand[]",
        ["GET /v1/customers"] = "email, created[gte], limit, starting_after, ending_before, test_clock",
        ["GET /v1/customers/search"] = "query*, limit, page, expand[]",
        ["GET /v1/customers/{id}"] = "expand[]",
        ["POST /v1/customers/{id}"] = "expand[]",
        ["DELETE /v1/customers/{id}"] = "",
        ["POST /v1/checkout/sessions"] =
            "line_items[][price], line_items[][quantity], mode, customer, client_reference_id, success_url, cancel_url, "
            + "subscription_data[metadata][user_id], subscription_data[trial_period_days], "
            + "subscription_data[trial_settings][end_behavior][missing_payment_method], subscription_data[billing_mode][type], "
            + "allow_promotion_codes, automatic_tax[enabled*], customer_update[address], expires_at, metadata[a], integration_identifier",
        ["GET /v1/checkout/sessions/{id}"] = "expand[]",
        ["GET /v1/checkout/sessions"] = "customer, status, subscription, created[gte]",
        ["POST /v1/checkout/sessions/{id}/expire"] = "",
        ["GET /v1/setup_intents/{id}"] = "expand[]",
        ["GET /v1/subscriptions"] = "customer, status, price, created[gte], collection_method, test_clock, limit, starting_after",
        ["GET /v1/subscriptions/{id}"] = "expand[]",
        ["POST /v1/subscriptions/{id}"] =
            "items[][id], items[][price], items[][quantity], items[][deleted], proration_behavior, payment_behavior, cancel_at_period_end, "
            + "cancel_at, trial_end, metadata[a], discounts[][promotion_code]",
        ["DELETE /v1/subscriptions/{id}"] = "cancellation_details[comment], invoice_now, prorate, expand[]",
        ["POST /v1/billing_portal/sessions"] =
            "customer*, return_url, configuration, locale, flow_data[type*], flow_data[subscription_cancel][subscription*]",
        ["POST /v1/billing_portal/configurations"] =
            "features*, features[subscription_update][products][][product*], features[subscription_update][products][][prices*][], "
            + "features[subscription_update][trial_update_behavior]",
        ["POST /v1/products"] = "name*, id, metadata[a], default_price_data[currency*], unit_label",
        ["GET /v1/products"] = "active, ids[]",
        ["POST /v1/prices"] =
            "currency*, product, unit_amount, recurring[interval*], recurring[meter], recurring[usage_type], lookup_key, "
            + "transfer_lookup_key, metadata[a]",
        ["GET /v1/prices"] = "lookup_keys[], product, active",
        ["GET /v1/events"] = "type, types[], created[gte], delivery_success, ending_before",
        ["GET /v1/events/{id}"] = "",
        ["POST /v1/webhook_endpoints"] = "url*, enabled_events*[], api_version, description, metadata[a]",
        ["GET /v1/webhook_endpoints"] = "",
        ["POST /v1/billing/meters"] =
            "default_aggregation*[formula*], display_name*, event_name*, customer_mapping[event_payload_key*], customer_mapping[type*], "
            + "value_settings[event_payload_key*]",
        ["POST /v1/billing/meter_events"] = "event_name*, payload*[stripe_customer_id], payload*[value], identifier, timestamp",
        ["GET /v1/billing/meters/{id}/event_summaries"] = "customer*, start_time*, end_time*",
        ["POST /v1/payment_intents"] = "amount*, currency*, customer, payment_method, confirm, metadata[a], description",
        ["POST /v1/refunds"] = "charge, payment_intent, amount, reason, metadata[a]",
        ["POST /v1/coupons"] = "id, percent_off, amount_off, currency, duration, duration_in_months, max_redemptions, redeem_by",
        ["POST /v1/promotion_codes"] = "promotion*[type*], promotion*[coupon], code, customer, expires_at, max_redemptions",
        ["GET /v1/invoice_payments"] = "invoice, payment[type*], payment[payment_intent], status",
        ["POST /v1/test_helpers/test_clocks"] = "frozen_time*",
        ["POST /v1/test_helpers/test_clocks/{id}/advance"] = "frozen_time*",
        ["GET /v1/test_helpers/test_clocks/{id}"] = "",
        ["DELETE /v1/test_helpers/test_clocks/{id}"] = "",
    };

    /// <summary>One parameter: its path, and which parts of it are required.</summary>
    public static IEnumerable<IReadOnlyList<(string Name, bool IsRequired)>> Of(string call) =>
        Calls[call].Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(static parameter => (IReadOnlyList<(string, bool)>)
        [
            .. parameter.Replace("]", "", StringComparison.Ordinal).Split('[').Select(static segment =>
                (segment.Length == 0 ? "[]" : segment.TrimEnd('*'), segment.EndsWith('*'))),
        ]);
}

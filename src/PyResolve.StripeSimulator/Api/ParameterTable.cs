namespace PyResolve.StripeSimulator.Api;

/// <summary>The parameters of each call; all others are refused, as Stripe does. <c>*</c>: required within its object; <c>[]</c>: a list,
/// such as <c>items[][price*]</c>; <c>{}</c>: a map; <c>:</c>: a type or the allowed values; <c>?</c>: an empty text clears it.</summary>
internal static class ParameterTable
{
    public const string Text = """
        POST /v1/customers
          email name description phone metadata{}? test_clock expand[]
          balance:int payment_method invoice_settings[default_payment_method]
        GET /v1/customers
          email created:range limit:int starting_after ending_before test_clock expand[]
        GET /v1/customers/search
          query* limit:int page expand[]
        GET /v1/customers/{id}
          expand[]
        POST /v1/customers/{id}
          email? name? description? phone? metadata{}? expand[]
          balance:int invoice_settings[default_payment_method]?
        DELETE /v1/customers/{id}
        GET /v1/customers/{id}/payment_methods
          type limit:int starting_after ending_before expand[]

        POST /v1/payment_methods
          type:card|sepa_debit card[token] card[number] card[exp_month]:int card[exp_year]:int card[cvc] sepa_debit[iban*]
          billing_details[email]? billing_details[name]? metadata{} expand[]
        GET /v1/payment_methods
          customer type limit:int starting_after ending_before expand[]
        GET /v1/payment_methods/{id}
          expand[]
        POST /v1/payment_methods/{id}/attach
          customer* expand[]
        POST /v1/payment_methods/{id}/detach
          expand[]

        POST /v1/payment_intents
          amount*:int currency* customer payment_method confirm:bool off_session description receipt_email metadata{} expand[]
          automatic_payment_methods[enabled*]:bool automatic_payment_methods[allow_redirects]:always|never
          payment_method_types[] return_url setup_future_usage:off_session|on_session
        GET /v1/payment_intents
          customer created:range limit:int starting_after ending_before expand[]
        GET /v1/payment_intents/{id}
          expand[]
        POST /v1/payment_intents/{id}
          amount:int description receipt_email? metadata{}? expand[]
        POST /v1/payment_intents/{id}/confirm
          payment_method return_url off_session expand[]
        POST /v1/payment_intents/{id}/cancel
          cancellation_reason:abandoned|duplicate|fraudulent|requested_by_customer expand[]

        POST /v1/coupons
          id name percent_off amount_off:int currency duration:forever|once|repeating duration_in_months:int
          max_redemptions:int redeem_by:time metadata{}? expand[]
        GET /v1/coupons
          created:range limit:int starting_after ending_before expand[]
        GET /v1/coupons/{id}
          expand[]
        POST /v1/coupons/{id}
          name metadata{}? expand[]
        DELETE /v1/coupons/{id}

        POST /v1/promotion_codes
          promotion*[type*]:coupon promotion*[coupon] code customer active:bool expires_at:time max_redemptions:int metadata{} expand[]
        GET /v1/promotion_codes
          active:bool code coupon customer created:range limit:int starting_after ending_before expand[]
        GET /v1/promotion_codes/{id}
          expand[]
        POST /v1/promotion_codes/{id}
          active:bool metadata{}? expand[]

        POST /v1/products
          name* id active:bool description metadata{} tax_code unit_label url expand[]
          default_price_data[currency*] default_price_data[unit_amount]:int
          default_price_data[recurring][interval*]:day|month|week|year default_price_data[recurring][interval_count]:int
        GET /v1/products
          active:bool ids[] created:range limit:int starting_after ending_before url expand[]
        GET /v1/products/{id}
          expand[]
        POST /v1/products/{id}
          name active:bool default_price description? metadata{}? tax_code? unit_label? url? expand[]
        DELETE /v1/products/{id}

        POST /v1/prices
          currency* product unit_amount:int lookup_key transfer_lookup_key:bool nickname active:bool metadata{} expand[]
          recurring[interval*]:day|month|week|year recurring[interval_count]:int recurring[meter] recurring[usage_type]:licensed|metered
          product_data[name*] product_data[id] product_data[metadata]{}
        GET /v1/prices
          lookup_keys[] product active:bool currency type:one_time|recurring created:range limit:int starting_after ending_before expand[]
        GET /v1/prices/{id}
          expand[]
        POST /v1/prices/{id}
          active:bool lookup_key nickname transfer_lookup_key:bool metadata{}? expand[]

        POST /v1/checkout/sessions
          mode:payment|setup|subscription customer customer_email client_reference_id success_url cancel_url
          line_items[][price] line_items[][quantity]:int currency
          line_items[][price_data][currency*] line_items[][price_data][unit_amount]:int line_items[][price_data][product]
          line_items[][price_data][product_data][name*] line_items[][price_data][product_data][metadata]{}
          line_items[][price_data][recurring][interval*]:day|month|week|year line_items[][price_data][recurring][interval_count]:int
          payment_intent_data[metadata]{} payment_intent_data[description] customer_creation:always|if_required
          discounts[][coupon] discounts[][promotion_code]
          subscription_data[metadata]{} subscription_data[description]
          subscription_data[trial_period_days]:int subscription_data[trial_end]:time
          subscription_data[trial_settings][end_behavior*][missing_payment_method*]:cancel|create_invoice|pause
          subscription_data[billing_mode][type*]:classic|flexible
          allow_promotion_codes:bool automatic_tax[enabled*]:bool billing_address_collection:auto|required locale
          managed_payments[enabled]:bool tax_id_collection[enabled*]:bool
          customer_update[address]:auto|never customer_update[name]:auto|never
          payment_method_collection:always|if_required expires_at:time metadata{} integration_identifier expand[]
        GET /v1/checkout/sessions
          customer payment_intent status:complete|expired|open subscription created:range limit:int starting_after ending_before expand[]
        GET /v1/checkout/sessions/{id}
          expand[]
        GET /v1/checkout/sessions/{id}/line_items
          limit:int starting_after ending_before expand[]
        POST /v1/checkout/sessions/{id}/expire
          expand[]
        GET /v1/setup_intents/{id}
          expand[]

        POST /v1/subscriptions
          customer* items[][price] items[][quantity]:int items[][metadata]{} metadata{}? description expand[]
          cancel_at:time cancel_at_period_end:bool trial_end trial_period_days:int
          automatic_tax[enabled*]:bool discounts[][coupon] discounts[][promotion_code] discounts?
          trial_settings[end_behavior*][missing_payment_method*]:cancel|create_invoice|pause
          billing_mode[type*]:classic|flexible
          payment_behavior:allow_incomplete|default_incomplete|error_if_incomplete|pending_if_incomplete
          proration_behavior:always_invoice|create_prorations|none
        GET /v1/subscriptions
          customer status:active|all|canceled|ended|incomplete|incomplete_expired|past_due|paused|trialing|unpaid
          price created:range current_period_start:range current_period_end:range collection_method:charge_automatically|send_invoice
          test_clock limit:int starting_after ending_before expand[]
        GET /v1/subscriptions/{id}
          expand[]
        POST /v1/subscriptions/{id}
          items[][id] items[][price] items[][quantity]:int items[][deleted]:bool items[][metadata]{}?
          proration_behavior:always_invoice|create_prorations|none
          payment_behavior:allow_incomplete|default_incomplete|error_if_incomplete|pending_if_incomplete
          cancel_at_period_end:bool cancel_at:time? trial_end metadata{}? description?
          automatic_tax[enabled*]:bool discounts[][coupon] discounts[][promotion_code] discounts?
          cancellation_details[comment]? cancellation_details[feedback]?
          pause_collection[behavior*]:keep_as_draft|mark_uncollectible|void pause_collection[resumes_at]:time pause_collection? expand[]
        POST /v1/subscriptions/{id}/resume
          billing_cycle_anchor:now proration_behavior:always_invoice|create_prorations|none
          payment_behavior:resume_on_payment_attempt|resume_on_payment_success expand[]
        DELETE /v1/subscriptions/{id}
          cancellation_details[comment]? cancellation_details[feedback]? invoice_now:bool prorate:bool expand[]
        GET /v1/subscription_schedules
          customer limit:int starting_after ending_before expand[]
        GET /v1/subscription_schedules/{id}
          expand[]
        POST /v1/subscription_schedules/{id}/release
          preserve_cancel_date:bool expand[]
        GET /v1/subscription_items
          subscription* limit:int starting_after ending_before expand[]

        GET /v1/invoices
          customer subscription status:draft|open|paid|uncollectible|void created:range limit:int starting_after ending_before expand[]
        GET /v1/invoices/{id}
          expand[]
        POST /v1/invoices
          customer currency auto_advance:false collection_method:charge_automatically description metadata{}? automatic_tax[enabled*]:bool
          pending_invoice_items_behavior:exclude|include expand[]
        POST /v1/invoices/create_preview
          customer subscription subscription_details[proration_behavior]:always_invoice|create_prorations|none
          subscription_details[items][][id] subscription_details[items][][price] subscription_details[items][][quantity]:int
          subscription_details[items][][deleted]:bool expand[]
        GET /v1/invoices/{id}/lines
          limit:int starting_after ending_before expand[]
        POST /v1/invoices/{id}/finalize
          auto_advance:false expand[]
        POST /v1/invoices/{id}/void
          expand[]
        POST /v1/invoices/{id}/pay
          expand[]
        POST /v1/invoiceitems
          customer* amount:int currency description invoice subscription pricing[price] quantity:int metadata{}? expand[]
        GET /v1/invoiceitems
          customer invoice pending:bool created:range limit:int starting_after ending_before expand[]
        GET /v1/invoiceitems/{id}
          expand[]
        DELETE /v1/invoiceitems/{id}
        GET /v1/invoice_payments
          invoice payment[type*]:payment_intent payment[payment_intent] status:canceled|open|paid created:range
          limit:int starting_after ending_before expand[]
        GET /v1/invoice_payments/{id}
          expand[]

        GET /v1/charges
          customer payment_intent transfer_group created:range limit:int starting_after ending_before expand[]
        GET /v1/charges/{id}
          expand[]
        GET /v1/disputes
          charge payment_intent created:range limit:int starting_after ending_before expand[]
        GET /v1/disputes/{id}
          expand[]
        POST /v1/disputes/{id}/close
          expand[]
        POST /v1/refunds
          charge payment_intent amount:int reason:duplicate|fraudulent|requested_by_customer metadata{}? expand[]
        GET /v1/refunds
          charge payment_intent created:range limit:int starting_after ending_before expand[]
        GET /v1/refunds/{id}
          expand[]

        POST /v1/billing/meters
          display_name* event_name* default_aggregation*[formula*]:count|last|sum
          customer_mapping[event_payload_key*] customer_mapping[type*]:by_id value_settings[event_payload_key*] expand[]
        GET /v1/billing/meters
          status:active|inactive limit:int starting_after ending_before expand[]
        GET /v1/billing/meters/{id}
          expand[]
        POST /v1/billing/meters/{id}
          display_name expand[]
        POST /v1/billing/meters/{id}/deactivate
          expand[]
        POST /v1/billing/meters/{id}/reactivate
          expand[]
        GET /v1/billing/meters/{id}/event_summaries
          customer* start_time*:time end_time*:time limit:int starting_after ending_before expand[]
        POST /v1/billing/meter_events
          event_name* payload*{} identifier timestamp:time expand[]
        POST /v1/billing/meter_event_adjustments
          event_name* type*:cancel cancel[identifier] expand[]

        POST /v1/billing_portal/sessions
          customer* return_url configuration locale expand[]
          flow_data[type*]:payment_method_update|subscription_cancel|subscription_update|subscription_update_confirm
          flow_data[subscription_cancel][subscription*] flow_data[subscription_update][subscription*]
          flow_data[subscription_update_confirm][subscription*] flow_data[subscription_update_confirm][items*][][id*]
          flow_data[subscription_update_confirm][items*][][price] flow_data[subscription_update_confirm][items*][][quantity]:int
        POST /v1/billing_portal/configurations
          features*[customer_update][enabled*]:bool features[customer_update][allowed_updates][]
          features[invoice_history][enabled*]:bool features[payment_method_update][enabled*]:bool
          features[subscription_cancel][enabled*]:bool features[subscription_cancel][mode]:at_period_end|immediately
          features[subscription_cancel][proration_behavior]:create_prorations|none
          features[subscription_cancel][cancellation_reason][enabled*]:bool
          features[subscription_cancel][cancellation_reason][options*][]
          features[subscription_update][enabled*]:bool features[subscription_update][default_allowed_updates][]?
          features[subscription_update][proration_behavior]:always_invoice|create_prorations|none
          features[subscription_update][products][][product*] features[subscription_update][products][][prices*][]
          features[subscription_update][products][][adjustable_quantity][enabled*]:bool
          features[subscription_update][products][][adjustable_quantity][minimum]:int
          features[subscription_update][products][][adjustable_quantity][maximum]:int
          features[subscription_update][products]?
          features[subscription_update][schedule_at_period_end][conditions][][type*]:decreasing_item_amount|shortening_interval
          features[subscription_update][schedule_at_period_end][conditions]?
          features[subscription_update][trial_update_behavior]:continue_trial|end_trial
          business_profile[headline]? business_profile[privacy_policy_url] business_profile[terms_of_service_url]
          default_return_url? login_page[enabled*]:bool metadata{} expand[]
        GET /v1/billing_portal/configurations
          active:bool is_default:bool limit:int starting_after ending_before expand[]
        GET /v1/billing_portal/configurations/{id}
          expand[]
        POST /v1/billing_portal/configurations/{id}
          active:bool
          features[customer_update][enabled]:bool features[customer_update][allowed_updates][]
          features[invoice_history][enabled*]:bool features[payment_method_update][enabled*]:bool
          features[subscription_cancel][enabled]:bool features[subscription_cancel][mode]:at_period_end|immediately
          features[subscription_cancel][proration_behavior]:create_prorations|none
          features[subscription_cancel][cancellation_reason][enabled*]:bool
          features[subscription_cancel][cancellation_reason][options][]
          features[subscription_update][enabled]:bool features[subscription_update][default_allowed_updates][]?
          features[subscription_update][proration_behavior]:always_invoice|create_prorations|none
          features[subscription_update][products][][product*] features[subscription_update][products][][prices*][]
          features[subscription_update][products][][adjustable_quantity][enabled*]:bool
          features[subscription_update][products][][adjustable_quantity][minimum]:int
          features[subscription_update][products][][adjustable_quantity][maximum]:int
          features[subscription_update][products]?
          features[subscription_update][schedule_at_period_end][conditions][][type*]:decreasing_item_amount|shortening_interval
          features[subscription_update][schedule_at_period_end][conditions]?
          features[subscription_update][trial_update_behavior]:continue_trial|end_trial
          business_profile[headline]? business_profile[privacy_policy_url]? business_profile[terms_of_service_url]?
          default_return_url? login_page[enabled*]:bool metadata{}? expand[]

        GET /v1/events
          type types[] created:range delivery_success:bool limit:int starting_after ending_before expand[]
        GET /v1/events/{id}
          expand[]

        POST /v1/webhook_endpoints
          url* enabled_events*[] api_version description? metadata{}? connect:false expand[]
        GET /v1/webhook_endpoints
          limit:int starting_after ending_before expand[]
        GET /v1/webhook_endpoints/{id}
          expand[]
        POST /v1/webhook_endpoints/{id}
          url enabled_events[] description? disabled:bool metadata{}? expand[]
        DELETE /v1/webhook_endpoints/{id}

        POST /v1/test_helpers/test_clocks
          frozen_time*:time name expand[]
        GET /v1/test_helpers/test_clocks
          limit:int starting_after ending_before expand[]
        GET /v1/test_helpers/test_clocks/{id}
          expand[]
        POST /v1/test_helpers/test_clocks/{id}/advance
          frozen_time*:time expand[]
        DELETE /v1/test_helpers/test_clocks/{id}
        """;

    public static IReadOnlyDictionary<string, ParameterRule> Rules { get; } = Parse();

    private static Dictionary<string, ParameterRule> Parse()
    {
        var tokens = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        var call = "";
        foreach (var line in Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(' '))
                tokens[call].AddRange(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            else
                tokens[call = line.Trim()] = [];
        }

        return tokens.ToDictionary(static line => line.Key, static line => ParameterRule.Parse(line.Value), StringComparer.Ordinal);
    }
}

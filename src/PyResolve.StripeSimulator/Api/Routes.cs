using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Api.Calls;

namespace PyResolve.StripeSimulator.Api;

internal static class Routes
{
    private static readonly Dictionary<string, Func<ApiCall, JsonObject>> Handlers = new(StringComparer.Ordinal)
    {
        ["POST /v1/customers"] = CustomerCalls.Create,
        ["GET /v1/customers"] = CustomerCalls.List,
        ["GET /v1/customers/search"] = CustomerCalls.Search,
        ["GET /v1/customers/{id}"] = CustomerCalls.Get,
        ["POST /v1/customers/{id}"] = CustomerCalls.Update,
        ["DELETE /v1/customers/{id}"] = CustomerCalls.Delete,
        ["GET /v1/customers/{id}/payment_methods"] = PaymentMethodCalls.ListOfCustomer,
        ["POST /v1/payment_methods"] = PaymentMethodCalls.Create,
        ["GET /v1/payment_methods"] = PaymentMethodCalls.List,
        ["GET /v1/payment_methods/{id}"] = PaymentMethodCalls.Get,
        ["POST /v1/payment_methods/{id}/attach"] = PaymentMethodCalls.Attach,
        ["POST /v1/payment_methods/{id}/detach"] = PaymentMethodCalls.Detach,
        ["POST /v1/payment_intents"] = PaymentIntentCalls.Create,
        ["GET /v1/payment_intents"] = PaymentIntentCalls.List,
        ["GET /v1/payment_intents/{id}"] = PaymentIntentCalls.Get,
        ["POST /v1/payment_intents/{id}"] = PaymentIntentCalls.Update,
        ["POST /v1/payment_intents/{id}/confirm"] = PaymentIntentCalls.Confirm,
        ["POST /v1/payment_intents/{id}/cancel"] = PaymentIntentCalls.Cancel,
        ["POST /v1/coupons"] = CouponCalls.Create,
        ["GET /v1/coupons"] = CouponCalls.List,
        ["GET /v1/coupons/{id}"] = CouponCalls.Get,
        ["POST /v1/coupons/{id}"] = CouponCalls.Update,
        ["DELETE /v1/coupons/{id}"] = CouponCalls.Delete,
        ["POST /v1/promotion_codes"] = CouponCalls.CreateCode,
        ["GET /v1/promotion_codes"] = CouponCalls.ListCodes,
        ["GET /v1/promotion_codes/{id}"] = CouponCalls.GetCode,
        ["POST /v1/promotion_codes/{id}"] = CouponCalls.UpdateCode,
        ["POST /v1/products"] = CatalogCalls.CreateProduct,
        ["GET /v1/products"] = CatalogCalls.ListProducts,
        ["GET /v1/products/{id}"] = CatalogCalls.GetProduct,
        ["POST /v1/products/{id}"] = CatalogCalls.UpdateProduct,
        ["DELETE /v1/products/{id}"] = CatalogCalls.DeleteProduct,
        ["POST /v1/prices"] = CatalogCalls.CreatePrice,
        ["GET /v1/prices"] = CatalogCalls.ListPrices,
        ["GET /v1/prices/{id}"] = CatalogCalls.GetPrice,
        ["POST /v1/prices/{id}"] = CatalogCalls.UpdatePrice,
        ["POST /v1/checkout/sessions"] = CheckoutCalls.Create,
        ["GET /v1/checkout/sessions"] = CheckoutCalls.List,
        ["GET /v1/checkout/sessions/{id}"] = CheckoutCalls.Get,
        ["GET /v1/checkout/sessions/{id}/line_items"] = CheckoutCalls.ListLineItems,
        ["POST /v1/checkout/sessions/{id}/expire"] = CheckoutCalls.Expire,
        ["GET /v1/setup_intents/{id}"] = CheckoutCalls.GetSetupIntent,
        ["POST /v1/subscriptions"] = SubscriptionCalls.Create,
        ["GET /v1/subscriptions"] = SubscriptionCalls.List,
        ["GET /v1/subscriptions/{id}"] = SubscriptionCalls.Get,
        ["POST /v1/subscriptions/{id}"] = SubscriptionCalls.Update,
        ["POST /v1/subscriptions/{id}/resume"] = SubscriptionCalls.Resume,
        ["DELETE /v1/subscriptions/{id}"] = SubscriptionCalls.Cancel,
        ["GET /v1/subscription_schedules"] = ScheduleCalls.List,
        ["GET /v1/subscription_schedules/{id}"] = ScheduleCalls.Get,
        ["POST /v1/subscription_schedules/{id}/release"] = ScheduleCalls.Release,
        ["GET /v1/subscription_items"] = SubscriptionCalls.ListItems,
        ["GET /v1/invoices"] = InvoiceCalls.List,
        ["GET /v1/invoices/{id}"] = InvoiceCalls.Get,
        ["POST /v1/invoices/{id}/pay"] = InvoiceCalls.Pay,
        ["POST /v1/invoices"] = InvoiceCalls.Create,
        ["POST /v1/invoices/create_preview"] = InvoiceCalls.Preview,
        ["GET /v1/invoices/{id}/lines"] = InvoiceCalls.ListLines,
        ["POST /v1/invoices/{id}/finalize"] = InvoiceCalls.Issue,
        ["POST /v1/invoices/{id}/void"] = InvoiceCalls.Void,
        ["POST /v1/invoiceitems"] = InvoiceCalls.CreateItem,
        ["GET /v1/invoiceitems"] = InvoiceCalls.ListItems,
        ["GET /v1/invoiceitems/{id}"] = InvoiceCalls.GetItem,
        ["DELETE /v1/invoiceitems/{id}"] = InvoiceCalls.DeleteItem,
        ["GET /v1/invoice_payments"] = ChargeCalls.ListInvoicePayments,
        ["GET /v1/invoice_payments/{id}"] = ChargeCalls.GetInvoicePayment,
        ["GET /v1/charges"] = ChargeCalls.List,
        ["GET /v1/charges/{id}"] = ChargeCalls.Get,
        ["GET /v1/disputes"] = ChargeCalls.ListDisputes,
        ["GET /v1/disputes/{id}"] = ChargeCalls.GetDispute,
        ["POST /v1/disputes/{id}/close"] = ChargeCalls.CloseDispute,
        ["POST /v1/refunds"] = ChargeCalls.Refund,
        ["GET /v1/refunds"] = ChargeCalls.ListRefunds,
        ["GET /v1/refunds/{id}"] = ChargeCalls.GetRefund,
        ["POST /v1/billing/meters"] = MeterCalls.Create,
        ["GET /v1/billing/meters"] = MeterCalls.List,
        ["GET /v1/billing/meters/{id}"] = MeterCalls.Get,
        ["POST /v1/billing/meters/{id}"] = MeterCalls.Update,
        ["POST /v1/billing/meters/{id}/deactivate"] = MeterCalls.Deactivate,
        ["POST /v1/billing/meters/{id}/reactivate"] = MeterCalls.Reactivate,
        ["GET /v1/billing/meters/{id}/event_summaries"] = MeterCalls.Summarize,
        ["POST /v1/billing/meter_events"] = MeterCalls.Report,
        ["POST /v1/billing/meter_event_adjustments"] = MeterCalls.Adjust,
        ["POST /v1/billing_portal/sessions"] = PortalCalls.CreateSession,
        ["POST /v1/billing_portal/configurations"] = PortalCalls.CreateConfiguration,
        ["GET /v1/billing_portal/configurations"] = PortalCalls.ListConfigurations,
        ["GET /v1/billing_portal/configurations/{id}"] = PortalCalls.GetConfiguration,
        ["POST /v1/billing_portal/configurations/{id}"] = PortalCalls.UpdateConfiguration,
        ["GET /v1/events"] = EventCalls.List,
        ["GET /v1/events/{id}"] = EventCalls.Get,
        ["POST /v1/webhook_endpoints"] = WebhookEndpointCalls.Create,
        ["GET /v1/webhook_endpoints"] = WebhookEndpointCalls.List,
        ["GET /v1/webhook_endpoints/{id}"] = WebhookEndpointCalls.Get,
        ["POST /v1/webhook_endpoints/{id}"] = WebhookEndpointCalls.Update,
        ["DELETE /v1/webhook_endpoints/{id}"] = WebhookEndpointCalls.Delete,
        ["POST /v1/test_helpers/test_clocks"] = TestClockCalls.Create,
        ["GET /v1/test_helpers/test_clocks"] = TestClockCalls.List,
        ["GET /v1/test_helpers/test_clocks/{id}"] = TestClockCalls.Get,
        ["POST /v1/test_helpers/test_clocks/{id}/advance"] = TestClockCalls.Advance,
        ["DELETE /v1/test_helpers/test_clocks/{id}"] = TestClockCalls.Delete,
    };

    public static IReadOnlyCollection<string> Names => Handlers.Keys;

    public static Route? Find(string method, string path)
    {
        var segments = path.Trim('/').Split('/');
        Route? found = null;
        foreach (var (name, handler) in Handlers)
        {
            var pattern = name.Split(' ', '/');
            if (pattern[0] != method || pattern.Length - 2 != segments.Length || !Matches(pattern.AsSpan(2), segments, out var id))
                continue;
            // A literal segment wins over an id: customers/search.
            if (found is null || id.Length == 0)
                found = new Route(name, id, handler, ParameterTable.Rules[name]);
        }

        return found;
    }

    private static bool Matches(ReadOnlySpan<string> pattern, string[] segments, out string id)
    {
        id = "";
        for (var index = 0; index < segments.Length; index++)
        {
            if (pattern[index] == "{id}")
                id = Uri.UnescapeDataString(segments[index]);
            else if (pattern[index] != segments[index])
                return false;
        }

        return true;
    }
}

internal sealed record Route(string Name, string Id, Func<ApiCall, JsonObject> Handler, ParameterRule Rule);

using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class InvoiceCalls
{
    private const string Kind = "invoice";

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Invoices, Kind).Render();

    public static JsonObject List(ApiCall call)
    {
        var form = call.Form;
        return Lists.Page(call, "/v1/invoices", Kind, call.State.Invoices.NewestFirst.Where(invoice =>
            Lists.Matches(form, "customer", invoice.CustomerId)
            && Lists.Matches(form, "subscription", invoice.SubscriptionId)
            && Lists.Matches(form, "status", invoice.Status)
            && Lists.MatchesRange(form, "created", invoice.Created)));
    }

    public static JsonObject ListLines(ApiCall call)
    {
        var invoice = call.GetByPath(call.State.Invoices, Kind);
        return Shapes.List($"/v1/invoices/{invoice.Id}/lines", invoice.Lines.Select(line => line.Render(invoice.Id, invoice.Currency)));
    }

    /// <summary>An invoice by itself, with the customer's invoice items.</summary>
    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var customer = call.FindByParameter(state.Customers, "customer", "customer")
            ?? throw ApiErrorException.MissingParameter("customer");
        var (id, currency, now) = (state.Ids.Next("in"), form.Text("currency") ?? "usd", state.NowOn(customer.TestClockId));
        IReadOnlyList<InvoiceLine> lines = form.Text("pending_invoice_items_behavior") == "include"
            ? InvoiceLines.TakePending(state, customer.Id, subscriptionId: null, currency, id)
            : [];
        var invoice = state.Invoices.Add(new Invoice
        {
            Id = id,
            Url = $"{state.BaseUrl}/i/{id}",
            Created = now,
            CustomerId = customer.Id,
            Number = state.Ids.Next("SIM").Replace('_', '-'),
            Currency = currency,
            Lines = lines,
            HasAutomaticTax = form.Is("automatic_tax.enabled"),
            StartingBalance = customer.Balance,
            BillingReason = "manual",
            TestClockId = customer.TestClockId,
            PeriodStart = now,
            PeriodEnd = now,
            Description = form.Text("description"),
            Metadata = form.Merge("metadata"),
        });
        state.Events.Emit(invoice, "created");
        return invoice.Render();
    }

    public static JsonObject Issue(ApiCall call)
    {
        var invoice = call.GetByPath(call.State.Invoices, Kind);
        if (invoice.Status != "draft")
            throw ApiErrorException.Invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.");
        Invoices.Issue(call.State, invoice);
        if (invoice.AmountDue == 0)
            Payments.MarkPaid(call.State, invoice);
        return invoice.Render();
    }

    public static JsonObject Void(ApiCall call)
    {
        var invoice = call.GetByPath(call.State.Invoices, Kind);
        if (invoice.Status is not ("open" or "uncollectible"))
            throw ApiErrorException.Invalid($"You can only pass in open invoices. This invoice isn't open: it is {invoice.Status}.");
        Payments.Void(call.State, invoice);
        return invoice.Render();
    }

    public static JsonObject Pay(ApiCall call)
    {
        var state = call.State;
        var invoice = call.GetByPath(state.Invoices, Kind);
        if (invoice is { Status: "draft", SubscriptionId: null })
            Invoices.Issue(state, invoice);
        if (invoice.Status != "open")
            throw ApiErrorException.Invalid(
                invoice.Status == "paid" ? "Invoice is already paid" : $"Invoice is {invoice.Status}, not open.");
        if (!Payments.TryPay(state, invoice, isRenewal: false))
            throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);
        if (invoice.SubscriptionId is not { } id || invoice.Status != "paid")
            return invoice.Render();
        var subscription = state.Subscriptions.Get(id);
        SubscriptionChanges.ApplyPending(state, subscription, invoice);
        if (!subscription.OpenInvoices.Any())
            Renewals.Reactivate(state, subscription);
        return invoice.Render();
    }

    /// <summary>The next invoice of a subscription, as it would be now. Nothing is made.</summary>
    public static JsonObject Preview(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var subscription = call.FindByParameter(state.Subscriptions, "subscription", "subscription")
            ?? throw ApiErrorException.MissingParameter("subscription");
        var customer = call.FindByParameter(state.Customers, "customer", "customer") ?? state.Customers.Get(subscription.CustomerId);
        if (customer.Id != subscription.CustomerId)
            throw ApiErrorException.Invalid("The subscription does not belong to this customer.", "subscription");
        List<InvoiceLine> lines = [.. InvoiceLines.PreviewPeriod(state, subscription)];
        if (form.Has("subscription_details.items"))
        {
            var items = SubscriptionItems.Read(call, subscription, "subscription_details.items");
            var proration = form.Text("subscription_details.proration_behavior") ?? "create_prorations";
            var change = SubscriptionChanges.AmountOf(state, subscription, items, proration);
            // What is invoiced at once is the whole preview; else the next period, by the new prices, is on it too.
            lines = proration == "always_invoice" ? [] : [.. InvoiceLines.PreviewPeriod(state, subscription, items)];
            if (proration != "none")
                lines.Insert(0, InvoiceLines.Proration(state, subscription, change));
        }

        if (form.Text("subscription_details.proration_behavior") != "always_invoice")
            lines.AddRange(InvoiceLines.PreviewUsage(state, subscription));
        lines.AddRange(InvoiceLines.PreviewPending(state, customer, subscription.Id, subscription.Currency));
        return Invoices.Draft(state, subscription, lines, "upcoming", state.Ids.Next("upcoming_in")).Render();
    }

    public static JsonObject CreateItem(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var customer = call.FindByParameter(state.Customers, "customer", "customer")!;
        var subscription = call.FindByParameter(state.Subscriptions, "subscription", "subscription");
        var price = form.Text("pricing.price") is { } id
            ? ApiCall.GetByParameter(state.Prices, "price", id, "pricing[price]")
            : null;
        if (form.Has("amount") == price is not null)
            throw ApiErrorException.Invalid("Pass either `amount`, with `currency`, or `pricing`.", "amount");
        var currency = price?.Currency ?? form.Text("currency") ?? throw ApiErrorException.MissingParameter("currency");
        var quantity = Quantities.Read(form);
        var item = state.InvoiceItems.Add(new InvoiceItem
        {
            Id = state.Ids.Next("ii"),
            Created = state.NowOn(customer.TestClockId),
            CustomerId = customer.Id,
            SubscriptionId = subscription?.Id,
            Currency = currency,
            Amount = form.Number("amount") ?? price!.UnitAmount * quantity,
            Quantity = quantity,
            Description = form.Text("description"),
            Price = price,
            Metadata = form.Merge("metadata"),
        });
        if (call.FindByParameter(state.Invoices, Kind, "invoice") is { } invoice)
            AddTo(state, invoice, item);
        state.Events.Emit(item, "created");
        return item.Render();
    }

    public static JsonObject GetItem(ApiCall call) => call.GetByPath(call.State.InvoiceItems, "invoiceitem").Render();

    public static JsonObject ListItems(ApiCall call) => Lists.Page(
        call, "/v1/invoiceitems", "invoiceitem", call.State.InvoiceItems.NewestFirst.Where(item => !item.IsDeleted
            && Lists.Matches(call.Form, "customer", item.CustomerId)
            && Lists.Matches(call.Form, "invoice", item.InvoiceId)
            && (call.Form.Text("pending") is not { } pending || item.InvoiceId is null == (pending == "true"))
            && Lists.MatchesRange(call.Form, "created", item.Created)));

    public static JsonObject DeleteItem(ApiCall call)
    {
        var item = call.GetByPath(call.State.InvoiceItems, "invoiceitem");
        if (item.InvoiceId is not null)
            throw ApiErrorException.Invalid("This invoice item is on an invoice already.");
        var last = item.Render();
        item.IsDeleted = true;
        call.State.Events.Emit("invoiceitem.deleted", last);
        return item.Render();
    }

    private static void AddTo(StripeState state, Invoice invoice, InvoiceItem item)
    {
        if (invoice.Status != "draft")
            throw ApiErrorException.Invalid("This invoice is no longer editable", "invoice", "invoice_not_editable");
        item.InvoiceId = invoice.Id;
        invoice.Lines = [.. invoice.Lines, InvoiceLines.Line(state, item)];
    }
}

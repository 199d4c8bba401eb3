using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary><c>GET /billing/invoices</c>: what the account was billed, page by page.</summary>
public sealed class InvoiceTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_invoice_has_its_amounts_and_links(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Invoices[subscriber.CustomerId] =
        [
            Invoice(2) with { Status = "open", AmountPaid = 0, Number = null, HostedUrl = null, PdfUrl = null },
            Invoice(1),
        ];

        (await subscriber.Account.Key.GetAsync("/billing/invoices")).ShouldBeJson(200, """
            {"data":[
             {"id":"in_2","number":null,"created_at":"2026-11-17T00:00:00Z","status":"open","amount_due":1900,"amount_paid":0,
              "currency":"usd","hosted_url":null,"pdf_url":null},
             {"id":"in_1","number":"A-1","created_at":"2026-11-16T00:00:00Z","status":"paid","amount_due":1900,"amount_paid":1900,
              "currency":"usd","hosted_url":"https://invoice.example/1","pdf_url":"https://invoice.example/1.pdf"}],
             "next_cursor":null}
            """);
    }

    [Theory, OnBothEngines]
    public async Task Many_invoices_are_read_page_by_page_without_drafts(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Invoices[subscriber.CustomerId] =
            [Invoice(99) with { Status = "draft" }, .. Enumerable.Range(1, 60).Reverse().Select(Invoice)];

        var first = await subscriber.Account.Key.GetAsync("/billing/invoices");
        var cursor = first["next_cursor"].GetString();
        var second = await subscriber.Account.Session.GetAsync($"/billing/invoices?cursor={cursor}");

        (first["data"].GetArrayLength(), second["data"].GetArrayLength()).ShouldBe((BillingInvoices.PageSize - 1, 11));
        second["data"][0].GetProperty("id").GetString().ShouldBe("in_11");
        second["next_cursor"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Theory, OnBothEngines]
    public async Task An_account_without_a_customer_has_no_invoices(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();

        (await account.Key.GetAsync("/billing/invoices")).ShouldBeJson(200, """{"data":[],"next_cursor":null}""");
    }

    [Theory]
    [InlineData("in_unknown")]
    [InlineData("cus_1")]
    [InlineData("in_1&limit=5")]
    public async Task A_cursor_that_is_none_is_refused(string cursor)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var subscriber = await billing.SignUpAsync();

        var answer = await subscriber.Account.Key.GetAsync($"/billing/invoices?cursor={Uri.EscapeDataString(cursor)}");

        answer.ShouldBeProblem(422, "invalid");
    }

    [Fact]
    public async Task A_Stripe_that_does_not_answer_is_503_and_may_be_asked_again()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.FailNext(1);

        (await subscriber.Account.Key.GetAsync("/billing/invoices")).ShouldBeProblem(503, "unavailable");
        (await subscriber.Account.Key.GetAsync("/billing/invoices")).Status.ShouldBe(200);
    }

    private static StripeInvoice Invoice(int number) => new($"in_{number}")
    {
        Number = $"A-{number}",
        Created = new DateTimeOffset(2026, 11, 15, 0, 0, 0, TimeSpan.Zero).AddDays(number),
        Status = "paid",
        AmountDue = 1900,
        AmountPaid = 1900,
        Currency = "usd",
        HostedUrl = $"https://invoice.example/{number}",
        PdfUrl = $"https://invoice.example/{number}.pdf",
    };
}

using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Site;

public sealed class InvoicePageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Invoices_have_their_amounts_and_links_and_no_other_address_than_of_the_web(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Invoices[subscriber.CustomerId] =
        [
            Invoice(2) with { Status = "open", AmountDue = 1234, HostedUrl = "javascript:alert(1)", PdfUrl = "file:///etc/passwd" },
            Invoice(1),
        ];

        var page = await (await Person.SignedInAsync(billing.Own.Server, subscriber.Account)).GetAsync("/app/invoices");

        PageTable.Rows(page.Text).ShouldBe(
            ["17 November 2026|A-2|$12.34|To be paid|", "16 November 2026|A-1|$19|Paid|Invoice PDF"]);
        page.Text.ShouldContain("href=\"https://invoice.example/1\" aria-label=\"Invoice A-1 at Stripe\"");
        page.Text.ShouldContain("href=\"https://invoice.example/1.pdf\"");
        page.Text.ShouldNotContain("javascript:");
        page.Text.ShouldNotContain("file:");
    }

    [Theory, OnBothEngines]
    public async Task Older_invoices_are_on_the_next_page(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Invoices[subscriber.CustomerId] = [.. Enumerable.Range(1, BillingInvoices.PageSize + 3).Reverse().Select(Invoice)];
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var first = await person.GetAsync("/app/invoices");
        var second = await person.GetAsync("/app/invoices?cursor=in_4");

        PageTable.Rows(first.Text).Count.ShouldBe(BillingInvoices.PageSize);
        first.Text.ShouldContain("app/invoices?cursor=in_4\">Older invoices");
        PageTable.Rows(second.Text).Count.ShouldBe(3);
        second.Text.ShouldNotContain("Older invoices");
    }

    [Theory, OnBothEngines]
    public async Task Invoices_are_filtered_by_what_became_of_them(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Invoices[subscriber.CustomerId] = [Invoice(3) with { Status = "open" }, Invoice(2), Invoice(1)];
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var open = await person.GetAsync("/app/invoices?status=open");
        var none = await person.GetAsync("/app/invoices?status=void");
        var unknown = await person.GetAsync("/app/invoices?status=gone");

        PageTable.Rows(open.Text).ShouldHaveSingleItem().ShouldContain("|A-3|");
        open.Text.ShouldContain("<option value=\"open\" selected");
        none.Text.ShouldContain("There is no such invoice.");
        PageTable.Rows(unknown.Text).Count.ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task Who_was_never_billed_is_told_the_next_step(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await Person.SignedInAsync(billing.Own.Server, await billing.Own.SignUpAsync());
        var elsewhere = await servers.OnAsync(engine);
        var stranger = await Person.SignedInAsync(elsewhere, await servers.SignUpAsync(engine));

        (await person.GetAsync("/app/invoices")).Text.ShouldContain("There is no invoice yet. The first one comes with a paid plan.");
        (await stranger.GetAsync("/app/invoices")).Text.ShouldContain("This server is not connected to Stripe, so there are no invoices.");
    }

    [Theory, OnBothEngines]
    public async Task While_Stripe_does_not_answer_the_page_says_so(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);
        billing.Stripe.FailNext(1);

        var failed = await person.GetAsync("/app/invoices");

        (failed.Status, failed.ContentType).ShouldBe((503, "text/html"));
        failed.Text.ShouldContain("Stripe does not answer.");
        failed.Text.ShouldContain("Try again</a>");
        (await person.GetAsync("/app/invoices")).Status.ShouldBe(200);
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

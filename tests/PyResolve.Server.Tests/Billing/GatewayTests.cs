using System.Text.Json;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Requests as Stripe wants them, repeated where that helps, and failures that say what there is to say.</summary>
public sealed class GatewayTests(ITestOutputHelper output)
{
    private const string Customer = """{"id":"cus_1","livemode":false}""";

    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");
    private static readonly StripePrice Price = new("price_1") { Product = "prod_1" };

    [Fact]
    public async Task Every_request_fits_the_table_of_parameters()
    {
        await using var edge = await StripeEdge.StartAsync();

        await MakeEveryCallAsync(edge);

        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_request_fits_Stripes_OpenAPI_file()
    {
        if (Environment.GetEnvironmentVariable("STRIPE_OPENAPI") is not { Length: > 0 } file)
        {
            output.WriteLine("STRIPE_OPENAPI names no file: the requests are checked against the table of parameters alone.");
            await Every_request_fits_the_table_of_parameters();
            return;
        }

        using var openApi = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        await using var edge = await StripeEdge.StartAsync();

        await MakeEveryCallAsync(edge);

        edge.Requests.SelectMany(request => StripeParameters.Faults(request, openApi.RootElement)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_endpoint_gets_its_events_in_the_pinned_version()
    {
        await using var edge = await StripeEdge.StartAsync();

        await MakeEveryCallAsync(edge);

        edge.Requests.Single(request => request is { Method: "POST", Path: "/v1/webhook_endpoints" })["api_version"].ShouldBe(BillingOptions.PinnedApiVersion);
    }

    [Fact]
    public async Task Requests_carry_key_version_and_an_idempotency_key_where_they_write()
    {
        await using var edge = await StripeEdge.StartAsync();

        await MakeEveryCallAsync(edge);

        foreach (var request in edge.Requests)
        {
            request.Headers.Authorization.ToString().ShouldBe($"Bearer {StripeEdge.Key}");
            request.Headers["Stripe-Version"].ToString().ShouldBe(BillingOptions.PinnedApiVersion);
            request.Headers["Idempotency-Key"].Count.ShouldBe(request.Method == "POST" ? 1 : 0);
            if (request.Method == "POST")
                request.Headers.ContentType.ToString().ShouldBe("application/x-www-form-urlencoded; charset=utf-8");
        }

        var posts = edge.Requests.Where(request => request.Method == "POST").Select(request => request.Headers["Idempotency-Key"].ToString()).ToList();
        posts.Distinct().Count().ShouldBe(posts.Count);
    }

    [Fact]
    public void Forms_are_written_as_Stripe_reads_them()
    {
        var form = new StripeForm()
            .Add("email", "ada+é@example.com")
            .Add("left_out", (string?)null)
            .Add("line_items[0][price]", "a b&c=d")
            .Add("active", true)
            .Add("amount", 1900)
            .Add("created[gte]", new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero))
            .Add("types", ["a", "b"])
            .Add("none", Array.Empty<string>())
            .Clear("cancel_at");

        form.ToString().ShouldBe("email=ada%2B%C3%A9%40example.com&line_items[0][price]=a+b%26c%3Dd&active=true&amount=1900&created[gte]=1794744000&types[0]=a&types[1]=b&none=&cancel_at=");
    }

    [Theory]
    [InlineData(409, null, true)]
    [InlineData(500, null, true)]
    [InlineData(503, null, true)]
    [InlineData(500, "false", false)]
    [InlineData(400, null, false)]
    [InlineData(400, "true", true)]
    [InlineData(429, null, false)]
    [InlineData(429, "true", true)]
    [InlineData(402, null, false)]
    public async Task What_may_pass_is_asked_again_under_the_same_key(int status, string? shouldRetry, bool isRepeated)
    {
        await using var edge = await StripeEdge.StartAsync();
        (string, string)[] headers = shouldRetry is null ? [] : [("Stripe-Should-Retry", shouldRetry)];
        edge.Then(status, """{"error":{"type":"api_error","message":"not now"}}""", headers).Then(200, Customer);

        var call = edge.PassTimeAsync(edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "the-key", CancellationToken.None));

        if (isRepeated)
            (await call).Id.ShouldBe("cus_1");
        else
            (await Should.ThrowAsync<StripeException>(() => call)).Status.ShouldBe(status);
        edge.Requests.Count.ShouldBe(isRepeated ? 2 : 1);
        edge.Requests.ShouldAllBe(request => request.Headers["Idempotency-Key"] == "the-key" && request.Raw == edge.Requests[0].Raw);
    }

    [Fact]
    public async Task After_three_sends_it_is_given_up()
    {
        await using var edge = await StripeEdge.StartAsync();
        for (var i = 0; i < 5; i++)
            edge.ThenBreaks();

        var failure = await Should.ThrowAsync<StripeException>(() => edge.PassTimeAsync(edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "k", CancellationToken.None)));

        edge.Requests.Count.ShouldBe(3);
        failure.MayPass.ShouldBeTrue();
        failure.Status.ShouldBeNull();
    }

    [Fact]
    public async Task A_send_without_an_answer_is_given_up_after_80_seconds_and_sent_again()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted)).Then(200, Customer);
        var call = edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "k", CancellationToken.None);
        await Eventually.IsTrueAsync(() => edge.Requests.Count == 1, cancellationToken: TestContext.Current.CancellationToken);

        edge.Clock.Advance(TimeSpan.FromSeconds(79));
        call.IsCompleted.ShouldBeFalse();
        edge.Requests.Count.ShouldBe(1);
        edge.Clock.Advance(TimeSpan.FromSeconds(1));

        (await edge.PassTimeAsync(call)).Id.ShouldBe("cus_1");
        edge.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_wait_between_sends_ends_when_the_caller_leaves()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(500, "{}");
        using var leaving = new CancellationTokenSource();
        var call = edge.Gateway.FindCustomerAsync("cus_1", leaving.Token);
        await Eventually.IsTrueAsync(() => edge.Requests.Count == 1, cancellationToken: TestContext.Current.CancellationToken);

        await leaving.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => call);
        edge.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_error_keeps_what_Stripe_said()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(402, """{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","param":"source","message":"Declined."}}""", ("Request-Id", "req_1"));

        var failure = await Should.ThrowAsync<StripeException>(() => edge.Gateway.CreateCustomerAsync(User, "a@b.example", "k", CancellationToken.None));

        (failure.Status, failure.Type, failure.Code, failure.DeclineCode, failure.Param, failure.RequestId)
            .ShouldBe((402, "card_error", "card_declined", "insufficient_funds", "source", "req_1"));
        (failure.Message, failure.MayPass).ShouldBe(("Stripe answered 402: Declined.", false));
    }

    [Theory]
    [InlineData(200, "<html>")]
    [InlineData(200, "null")]
    [InlineData(200, "[]")]
    [InlineData(400, "<html>")]
    [InlineData(400, "{}")]
    [InlineData(401, """{"error":{"message":"Invalid API Key provided: sk_test_51Abc0123456789"}}""")]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(301, "")]
    public async Task An_answer_that_makes_no_sense_is_a_failure_that_holds_no_key(int status, string body)
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(status, body, ("Location", "https://elsewhere.example/"));

        var failure = await Should.ThrowAsync<StripeException>(() => edge.Gateway.CreateCustomerAsync(User, "a@b.example", "k", CancellationToken.None));

        failure.Status.ShouldBe(status);
        failure.ToString().ShouldNotContain(StripeEdge.Key);
        edge.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(403, "The provided key 'rk_test_51Abc****9qs8Kgd' does not have the required permissions for this endpoint.",
        "Stripe answered 403: The provided key 'rk_test_…' does not have the required permissions for this endpoint.")]
    [InlineData(403, "sk_live_51Abc and rk_live_51Def may not.", "Stripe answered 403: sk_live_… and rk_live_… may not.")]
    [InlineData(400, "The secret \"whsec_0123abcd\" is unknown.", "Stripe answered 400: The secret \"whsec_…\" is unknown.")]
    public async Task What_Stripe_quotes_of_a_key_is_left_out_and_the_rest_is_kept(int status, string said, string told)
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(status, JsonSerializer.Serialize(new { error = new { message = said } })).Then(status, JsonSerializer.Serialize(new { error = said }));
        Task<StripeException> FailAsync() => Should.ThrowAsync<StripeException>(() => edge.Gateway.FindPriceAsync("price_1", CancellationToken.None));

        (await FailAsync()).Message.ShouldBe(told);
        (await FailAsync()).Message.ShouldBe(told);
    }

    [Fact]
    public async Task Lists_are_read_to_their_end_and_items_too()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, """{"has_more":true,"data":[{"id":"sub_1","status":"active","customer":"cus_1","items":{"has_more":true,"data":[{"id":"si_1"}]}}]}""")
            .Then(200, """{"has_more":true,"data":[{"id":"si_1","price":{"id":"price_1"}}]}""")
            .Then(200, """{"has_more":false,"data":[{"id":"si_2","price":{"id":"price_2","product":{"id":"prod_2","object":"product"}},"current_period_end":1794744000}]}""")
            .Then(200, """{"has_more":false,"data":[{"id":"sub_2","status":"canceled","customer":{"id":"cus_1"}}]}""");

        var subscriptions = await edge.Gateway.ListSubscriptionsAsync("cus_1", TestContext.Current.CancellationToken);

        subscriptions.Select(subscription => (subscription.Id, subscription.Customer)).ShouldBe([("sub_1", "cus_1"), ("sub_2", "cus_1")]);
        subscriptions[0].Items!.Data.Select(item => (item.Id, item.Price!.Product)).ShouldBe([("si_1", null), ("si_2", "prod_2")]);
        edge.Requests.Select(request => (request.Path, request["starting_after"])).ShouldBe(
            [("/v1/subscriptions", null), ("/v1/subscription_items", null), ("/v1/subscription_items", "si_1"), ("/v1/subscriptions", "sub_1")]);
        edge.Requests[0]["status"].ShouldBe("all");
    }

    [Fact]
    public async Task What_is_not_there_is_null_and_what_was_deleted_says_so()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","param":"id","message":"No such customer"}}""")
            .Then(200, """{"id":"cus_1","object":"customer","deleted":true}""");

        (await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken)).ShouldBeNull();
        (await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken)).ShouldBe(new StripeCustomer("cus_1") { Deleted = true });
    }

    private static async Task MakeEveryCallAsync(StripeEdge edge)
    {
        var (stripe, cancellation) = (edge.Gateway, TestContext.Current.CancellationToken);
        await stripe.CreateCustomerAsync(User, "ada@example.com", "cust:1", cancellation);
        await stripe.FindCustomerAsync("cus_1", cancellation);
        await stripe.CreateCheckoutAsync(new NewCheckout(User, "cus_1", "price_1", "https://s.example/{CHECKOUT_SESSION_ID}", "https://c.example", Attempt: 1), "co:1", cancellation);
        await stripe.FindCheckoutAsync("cs_test_1", cancellation);
        await stripe.ListOpenCheckoutsAsync("cus_1", cancellation);
        await stripe.ExpireCheckoutAsync("cs_test_1", cancellation);
        await stripe.FindChargeAsync("ch_1", cancellation);
        edge.Then(200, """{"has_more":false,"data":[{"id":"ch_1","disputed":true},{"id":"ch_2","disputed":false}]}""");
        await stripe.ListDisputesAsync("cus_1", DateTimeOffset.UnixEpoch, cancellation);
        edge.Then(200, """{"has_more":false,"data":[{"id":"sub_1","status":"active","items":{"has_more":true,"data":[]}}]}""");
        await stripe.ListSubscriptionsAsync("cus_1", cancellation);
        await foreach (var _ in stripe.ListAllSubscriptionsAsync(cancellation))
        {
            // One page.
        }

        await stripe.CancelSubscriptionAsync("sub_1", cancellation);
        await stripe.CreatePortalAsync("cus_1", "https://r.example", "bpc_1", cancellation);
        await stripe.FindProductAsync("prod_1", cancellation);
        await stripe.CreateProductAsync(new NewProduct("pyresolve_pro", "PyResolve Pro", "pro"), cancellation);
        await stripe.FindPriceAsync("price_1", cancellation);
        await stripe.FindPriceByLookupKeyAsync("pyresolve_pro", cancellation);
        await stripe.CreatePriceAsync(new NewPrice("prod_1", "pyresolve_pro", 1900, "usd", "month"), cancellation);
        await stripe.ListPortalConfigurationsAsync(cancellation);
        await stripe.CreatePortalConfigurationAsync([Price], "https://r.example", cancellation);
        await stripe.ListWebhookEndpointsAsync(cancellation);
        await stripe.CreateWebhookEndpointAsync("https://w.example", StripeEvents.Subscribed, cancellation);
        await stripe.UpdateWebhookEndpointAsync("we_1", StripeEvents.Subscribed, cancellation);
        await foreach (var _ in stripe.ListEventsAsync(DateTimeOffset.UnixEpoch, StripeEvents.Subscribed, cancellation))
        {
            // One page.
        }

        await stripe.MeasureSkewAsync(cancellation);
        edge.Requests.Count.ShouldBe(26);
    }
}

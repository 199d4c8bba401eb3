using System.Text.Json;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Requests have the form that Stripe requires, transient failures are retried, and errors have the details.</summary>
public sealed class GatewayTests(ITestOutputHelper output)
{
    private const string Customer = """{"id":"cus_1","livemode":false}""";

    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");

    [Fact]
    public async Task Every_request_fits_the_table_of_parameters()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_request_is_of_a_route_that_the_simulator_has()
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:Stripe:DisputeEndsPlan"] = "true" };
        await using var edge = await StripeEdge.StartAsync(settings: settings);
        await using var simulator = await StripeSimulatorHost.StartAsync(
            new StripeSimulatorOptions(), TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = simulator.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", simulator.SecretKey);
        var calls = GatewayCalls.Record(edge.Gateway);
        await GatewayCalls.MakeEveryCallAsync(edge, calls.Gateway);

        calls.Made.ShouldBe(GatewayCalls.All, ignoreOrder: true);
        foreach (var (method, path) in edge.Requests.Select(static request => (request.Method, request.Path)).Distinct())
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
                .ShouldNotContain("The simulator does not have this call", customMessage: $"{method} {path}");
        }
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

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.SelectMany(request => StripeParameters.Faults(request, openApi.RootElement)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_endpoint_gets_its_events_in_the_pinned_version()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        edge.Requests.Single(
            request => request is { Method: "POST", Path: "/v1/webhook_endpoints" })["api_version"].ShouldBe(
                BillingOptions.PinnedApiVersion);
    }

    [Fact]
    public async Task Requests_have_key_and_version_and_writes_have_an_idempotency_key()
    {
        await using var edge = await StripeEdge.StartAsync();

        await GatewayCalls.MakeEveryCallAsync(edge, edge.Gateway);

        foreach (var request in edge.Requests)
        {
            request.Headers.Authorization.ToString().ShouldBe($"Bearer {StripeEdge.Key}");
            request.Headers["Stripe-Version"].ToString().ShouldBe(BillingOptions.PinnedApiVersion);
            request.Headers["Idempotency-Key"].Count.ShouldBe(request.Method == "POST" ? 1 : 0);
            if (request.Method == "POST")
                request.Headers.ContentType.ToString().ShouldBe("application/x-www-form-urlencoded; charset=utf-8");
        }

        var posts = edge.Requests
            .Where(request => request.Method == "POST")
            .Select(request => request.Headers["Idempotency-Key"].ToString())
            .ToList();
        posts.Distinct().Count().ShouldBe(posts.Count);
    }

    [Fact]
    public void The_API_version_is_the_one_that_this_server_was_tested_with() =>
        BillingOptions.PinnedApiVersion.ShouldBe("2026-10-28.endive");

    [Fact]
    public async Task Values_arrive_as_they_were_given()
    {
        await using var edge = await StripeEdge.StartAsync();
        var since = new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

        await edge.Gateway.CreateCustomerAsync(User, "ada+é@example.com", "k", TestContext.Current.CancellationToken);
        await edge.Gateway.CreateCheckoutAsync(
            new NewCheckout(User, "cus_1", "a b&c=d", "https://s.example/?s={CHECKOUT_SESSION_ID}&x=1", "https://c.example", Attempt: 1), "k", TestContext.Current.CancellationToken);
        await edge.Gateway.ListDisputesAsync("cus_1", since, TestContext.Current.CancellationToken);

        edge.Requests[0]["email"].ShouldBe("ada+é@example.com");
        edge.Requests[1]["line_items[0][price]"].ShouldBe("a b&c=d");
        edge.Requests[1]["line_items[0][quantity]"].ShouldBe("1");
        edge.Requests[1]["success_url"].ShouldBe("https://s.example/?s={CHECKOUT_SESSION_ID}&x=1");
        edge.Requests[2]["created[gte]"].ShouldBe("1794744000");
        edge.Requests[2]["limit"].ShouldBe("100");
    }

    [Fact]
    public async Task Requests_identify_this_server_and_contain_nothing_about_the_machine()
    {
        // Stripe.net would report it.
        Environment.SetEnvironmentVariable("CURSOR_AGENT", "1");
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken);

        edge.Requests[0].Headers.UserAgent.ToString().ShouldMatch(@"^PyResolve/\S+ Stripe\.net/53\.\S+$");
        edge.Requests[0].Headers.Keys.Where(static name => name.StartsWith("X-", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_notice_header_is_removed_because_Stripe_net_would_print_it()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, Customer, ("Stripe-Notice", "Buy something."), ("Request-Id", "req_1"));
        var connection = new StripeConnection(edge.Options, TimeSpan.FromSeconds(80));

        var answer = await connection.MakeRequestAsync(
            new Stripe.StripeRequest(connection.Client, HttpMethod.Get, "/v1/customers/cus_1", options: null, requestOptions: null),
            TestContext.Current.CancellationToken);

        (answer.RequestId, answer.Headers.Contains("Stripe-Notice")).ShouldBe(("req_1", false));
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
    public async Task Transient_failures_are_retried_with_the_same_idempotency_key(int status, string? shouldRetry, bool isRepeated)
    {
        await using var edge = await StripeEdge.StartAsync();
        (string, string)[] headers = shouldRetry is null ? [] : [("Stripe-Should-Retry", shouldRetry)];
        edge.Then(status, """{"error":{"type":"api_error","message":"not now"}}""", headers).Then(200, Customer);

        var call = edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "the-key", CancellationToken.None);

        if (isRepeated)
            (await call).Id.ShouldBe("cus_1");
        else
            (await Should.ThrowAsync<StripeException>(() => call)).Status.ShouldBe(status);
        edge.Requests.Count.ShouldBe(isRepeated ? 2 : 1);
        edge.Requests.ShouldAllBe(request => request.Headers["Idempotency-Key"] == "the-key" && request.Raw == edge.Requests[0].Raw);
    }

    [Fact]
    public async Task A_call_fails_after_three_attempts()
    {
        await using var edge = await StripeEdge.StartAsync();
        for (var i = 0; i < 5; i++)
            edge.ThenBreaks();

        var failure = await Should.ThrowAsync<StripeException>(
            () => edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "k", CancellationToken.None));

        edge.Requests.Count.ShouldBe(3);
        failure.IsTransient.ShouldBeTrue();
        failure.Status.ShouldBeNull();
    }

    [Fact]
    public async Task An_attempt_that_times_out_is_repeated()
    {
        await using var edge = await StripeEdge.StartAsync(timeout: TimeSpan.FromSeconds(1));
        edge.Then(static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted)).Then(200, Customer);

        var customer = await edge.Gateway.CreateCustomerAsync(User, "ada@example.com", "k", CancellationToken.None);

        customer.Id.ShouldBe("cus_1");
        edge.Requests.Count.ShouldBe(2);
        edge.Requests.ShouldAllBe(static request => request.Headers["Idempotency-Key"] == "k");
    }

    [Fact]
    public async Task Attempts_that_all_time_out_fail_with_a_message_that_says_so()
    {
        await using var edge = await StripeEdge.StartAsync(timeout: TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 3; i++)
            edge.Then(static http => Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted));

        var failure = await Should.ThrowAsync<StripeException>(() => edge.Gateway.FindCustomerAsync("cus_1", CancellationToken.None));

        failure.Message.ShouldBe("Stripe did not answer GET /v1/customers/cus_1 within 0.1 s.");
        failure.IsTransient.ShouldBeTrue();
    }

    [Fact]
    public void An_attempt_takes_80_seconds_at_most() => Stripe.SystemNetHttpClient.DefaultHttpTimeout.ShouldBe(TimeSpan.FromSeconds(80));

    [Fact]
    public async Task A_wait_between_attempts_ends_when_the_caller_cancels()
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
    public async Task An_error_has_the_details_of_Stripes_answer()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(
            402,
            """{"error":{"type":"card_error","code":"card_declined","param":"source","message":"Declined."}}""",
            ("Request-Id", "req_1"));

        var failure = await Should.ThrowAsync<StripeException>(
            () => edge.Gateway.CreateCustomerAsync(User, "a@b.example", "k", CancellationToken.None));

        (failure.Status, failure.Type, failure.Code, failure.Param, failure.RequestId)
            .ShouldBe((402, "card_error", "card_declined", "source", "req_1"));
        (failure.Message, failure.IsTransient).ShouldBe(("Stripe answered 402: Declined.", false));
    }

    [Theory]
    [InlineData(200, "<html>")]
    [InlineData(200, "")]
    [InlineData(200, "null")]
    [InlineData(200, "[]")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"id":5,"email":"ada@example.com"}""")]
    [InlineData(200, """{"id":"cus_1","email":"ada@example.com","created":99999999999999999}""")]
    [InlineData(400, "<html>")]
    [InlineData(400, "")]
    [InlineData(400, "{}")]
    [InlineData(400, "[]")]
    [InlineData(400, "null")]
    [InlineData(400, "\"x\"")]
    [InlineData(400, """{"error":null}""")]
    [InlineData(400, """{"error":[]}""")]
    [InlineData(400, """{"error":{"code":5,"message":{}}}""")]
    [InlineData(400, """{"error":{"message":"\ud83d"}}""")]
    [InlineData(401, """{"error":{"message":"Invalid API Key provided: sk_test_51Abc0123456789"}}""")]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(301, "")]
    public async Task An_unusable_answer_is_a_failure_without_the_key(int status, string body)
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(status, body, ("Location", "https://elsewhere.example/"));

        var failure = await Should.ThrowAsync<StripeException>(
            () => edge.Gateway.CreateCustomerAsync(User, "a@b.example", "k", CancellationToken.None));

        failure.Status.ShouldBe(status);
        failure.ToString().ShouldNotContain(StripeEdge.Key);
        failure.ToString().ShouldNotContain("ada@example.com");
        edge.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(403, "The provided key 'rk_test_51Abc****9qs8Kgd' does not have the required permissions for this endpoint.",
        "Stripe answered 403: The provided key 'rk_test_…' does not have the required permissions for this endpoint.")]
    [InlineData(403, "sk_live_51Abc and rk_live_51Def may not.", "Stripe answered 403: sk_live_… and rk_live_… may not.")]
    [InlineData(400, "The secret \"whsec_0123abcd\" is unknown.", "Stripe answered 400: The secret \"whsec_…\" is unknown.")]
    public async Task Keys_that_Stripe_quotes_are_redacted_in_the_message(int status, string message, string expected)
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(status, JsonSerializer.Serialize(new { error = new { message } })).Then(
            status, JsonSerializer.Serialize(new { error = message }));
        Task<StripeException> FailAsync() =>
            Should.ThrowAsync<StripeException>(() => edge.Gateway.FindPriceAsync("price_1", CancellationToken.None));

        (await FailAsync()).Message.ShouldBe(expected);
        (await FailAsync()).Message.ShouldBe(expected);
    }

    [Fact]
    public async Task Lists_and_their_items_are_read_to_the_end()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(
            200,
            """{"has_more":true,"data":[{"id":"sub_1","status":"active","customer":"cus_1","items":{"has_more":true,"data":[{"id":"si_1"}]}}]}""")
            .Then(200, """{"has_more":true,"data":[{"id":"si_1","price":{"id":"price_1"}}]}""")
            .Then(
                200,
                """{"has_more":false,"data":[{"id":"si_2","price":{"id":"price_2","product":{"id":"prod_2","object":"product"}},"current_period_end":1794744000}]}""")
            .Then(200, """{"has_more":false,"data":[{"id":"sub_2","status":"canceled","customer":{"id":"cus_1"}}]}""");

        var subscriptions = await edge.Gateway.ListSubscriptionsAsync("cus_1", TestContext.Current.CancellationToken);

        subscriptions.Select(subscription => (subscription.Id, subscription.Customer)).ShouldBe([("sub_1", "cus_1"), ("sub_2", "cus_1")]);
        subscriptions[0].Items!.Data.Select(item => (item.Id, item.Price!.Product)).ShouldBe([("si_1", null), ("si_2", "prod_2")]);
        edge.Requests.Select(request => (request.Path, request["starting_after"])).ShouldBe(
            [
                ("/v1/subscriptions", null),
                ("/v1/subscription_items", null),
                ("/v1/subscription_items", "si_1"),
                ("/v1/subscriptions", "sub_1"),
            ]);
        edge.Requests[0]["status"].ShouldBe("all");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_whose_last_page_is_exactly_full_is_read_once_whether_Stripe_says_that_more_follow_or_not(bool saysMore)
    {
        await using var edge = await StripeEdge.StartAsync();
        foreach (var kind in (string[])["subscription", "event"])
        {
            var full = string.Join(',', Enumerable.Range(1, 100).Select(number => $$"""
                {"id":"{{kind}}_{{number}}","object":"{{kind}}","status":"active","customer":"cus_1","items":{"data":[{"id":"si_1"}]},
                 "type":"a.new.one","data":{"object":{"object":"new_thing"} } }
                """));
            edge.Then(200, $$"""{"object":"list","has_more":{{(saysMore ? "true" : "false")}},"data":[{{full}}]}""");
            if (saysMore)
                edge.Then(200, """{"object":"list","has_more":false,"data":[]}""");
        }

        var subscriptions = await edge.Gateway.ListSubscriptionsAsync("cus_1", TestContext.Current.CancellationToken);
        var events = 0;
        await foreach (var page in edge.Gateway.ListEventsAsync(
            DateTimeOffset.UnixEpoch, StripeEvents.Subscribed, TestContext.Current.CancellationToken))
            events += page.Count;

        (subscriptions.Count, events).ShouldBe((100, 100));
        edge.Requests.Select(static request => request["starting_after"]).ShouldBe(
            saysMore ? [null, "subscription_100", null, "event_100"] : [null, null]);
    }

    [Fact]
    public async Task A_missing_customer_is_null_and_a_deleted_one_is_marked()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","param":"id","message":"No such customer"}}""")
            .Then(200, """{"id":"cus_1","object":"customer","deleted":true}""");

        (await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken)).ShouldBeNull();
        (await edge.Gateway.FindCustomerAsync("cus_1", TestContext.Current.CancellationToken)).ShouldBe(
            new StripeCustomer("cus_1") { Deleted = true });
    }

    [Fact]
    public async Task A_missing_time_is_null()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, """{"has_more":false,"data":[{"id":"sub_1","status":"active","items":{"data":[{"id":"si_1"}]}}]}""")
            .Then(
                200,
                """{"has_more":false,"data":[{"id":"sub_1","status":"active","current_period_end":1794744000,"items":{"data":[{"id":"si_1"}]}}]}""")
            .Then(200, """{"id":"cs_1","status":"open"}""");

        var subscription = (await edge.Gateway.ListSubscriptionsAsync("cus_1", TestContext.Current.CancellationToken)).Single();
        var older = (await edge.Gateway.ListSubscriptionsAsync("cus_1", TestContext.Current.CancellationToken)).Single();
        var checkout = await edge.Gateway.FindCheckoutAsync("cs_1", TestContext.Current.CancellationToken);

        (
            subscription.Created,
            subscription.CancelAt,
            subscription.CurrentPeriodEnd,
            subscription.Items!.Data[0].CurrentPeriodEnd).ShouldBe((null, null, null, null));
        (older.CurrentPeriodEnd, older.Items!.Data[0].CurrentPeriodEnd).ShouldBe((DateTimeOffset.FromUnixTimeSeconds(1_794_744_000), null));
        checkout!.ExpiresAt.ShouldBeNull();
    }

    [Fact]
    public async Task Events_of_any_API_version_are_listed_page_by_page()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, """
            {"has_more":true,"data":[{"id":"evt_2","object":"event","type":"customer.subscription.updated","api_version":"2015-10-16","created":1794744000,
             "livemode":true,"data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_1","created":"yesterday","items":5}}}]}
            """)
            .Then(
                200,
                """{"has_more":false,"data":[{"id":"evt_1","object":"event","type":"a.new.one","api_version":null,"data":{"object":{"object":"new_thing"}}}]}""");

        var pages = new List<IReadOnlyList<StripeEvent>>();
        await foreach (var page in edge.Gateway.ListEventsAsync(
            DateTimeOffset.UnixEpoch, StripeEvents.Subscribed, TestContext.Current.CancellationToken))
            pages.Add(page);

        pages.Select(static page => page.Single()).Select(
            static found => (found.Id, found.Type, found.Livemode, found.Created?.ToUnixTimeSeconds())).ShouldBe(
            [("evt_2", "customer.subscription.updated", true, 1_794_744_000), ("evt_1", "a.new.one", null, null)]);
        pages[0][0].Data!.Object.GetProperty("customer").GetString().ShouldBe("cus_1");
        edge.Requests.Select(static request => request["starting_after"]).ShouldBe([null, "evt_2"]);
    }

    [Fact]
    public async Task A_checkout_offers_only_the_plan_by_default()
    {
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.CreateCheckoutAsync(Checkout, "co:1", TestContext.Current.CancellationToken);

        edge.Requests[0].Parameters.Select(static parameter => parameter.Key).ShouldBe(
            [
                "cancel_url", "client_reference_id", "customer", "line_items[0][price]", "line_items[0][quantity]", "metadata[user_id]",
                "metadata[attempt]", "mode", "subscription_data[metadata][user_id]", "success_url",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task A_checkout_offers_taxes_promotion_codes_and_a_language_where_they_are_set()
    {
        await using var edge = await StripeEdge.StartAsync(settings: new Dictionary<string, string?>
        {
            ["PyResolve:Stripe:AutomaticTax"] = "true",
            ["PyResolve:Stripe:TaxIds"] = "true",
            ["PyResolve:Stripe:PromotionCodes"] = "true",
            ["PyResolve:Stripe:ManagedPayments"] = "false",
            ["PyResolve:Stripe:Locale"] = "de",
        });

        await edge.Gateway.CreateCheckoutAsync(Checkout, "co:1", TestContext.Current.CancellationToken);
        await edge.Gateway.CreatePortalAsync("cus_1", "https://r.example", null, TestContext.Current.CancellationToken);

        var sent = edge.Requests[0];
        (sent["automatic_tax[enabled]"], sent["tax_id_collection[enabled]"]).ShouldBe(("true", "true"));
        (sent["customer_update[address]"], sent["customer_update[name]"]).ShouldBe(("auto", "auto"));
        (sent["allow_promotion_codes"], sent["managed_payments[enabled]"], sent["locale"]).ShouldBe(("true", "false", "de"));
        edge.Requests[1]["locale"].ShouldBe("de");
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_portal_lets_downgrades_wait_for_the_end_of_the_period()
    {
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.CreatePortalConfigurationAsync(
            PortalOf(edge, new StripePrice("price_1") { Product = "prod_1" }), TestContext.Current.CancellationToken);

        const string Conditions = "features[subscription_update][schedule_at_period_end][conditions]";
        (edge.Requests[0][$"{Conditions}[0][type]"], edge.Requests[0][$"{Conditions}[1][type]"])
            .ShouldBe(("decreasing_item_amount", "shortening_interval"));
    }

    [Fact]
    public async Task What_a_restricted_key_may_not_do_is_found_by_calls_that_change_nothing()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(403, """{"error":{"type":"invalid_request_error","message":"The key does not have the required permissions."}}""")
            .Then(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such session"}}""")
            .Then(403, """{"error":{"type":"invalid_request_error","message":"The key does not have the required permissions."}}""");

        var missing = await edge.Gateway.ListMissingPermissionsAsync(TestContext.Current.CancellationToken);

        missing.ShouldBe(["Customers: write", "Subscriptions: write"]);
        edge.Requests.Where(static request => request.Method is not "GET")
            .ShouldAllBe(static request => request.Path.Contains("doesnotexist") || request["customer"]!.Contains("doesnotexist"));
    }

    [Fact]
    public async Task A_new_portal_lets_seats_change_only_where_the_plan_has_some()
    {
        await using var edge = await StripeEdge.StartAsync(settings: OwnCatalogue.Settings);
        var team = new StripePrice("price_team") { Product = "prod_team", LookupKey = "pyresolve_team" };
        var scale = new StripePrice("price_scale") { Product = "prod_scale", LookupKey = "pyresolve_scale" };

        await edge.Gateway.CreatePortalConfigurationAsync(PortalOf(edge, team, scale), TestContext.Current.CancellationToken);

        const string Update = "features[subscription_update]";
        var sent = edge.Requests[0];
        sent[$"{Update}[default_allowed_updates][1]"].ShouldBe("quantity");
        string? Adjustable(int product, string what) => sent[$"{Update}[products][{product}][adjustable_quantity][{what}]"];
        (Adjustable(0, "enabled"), Adjustable(0, "minimum"), Adjustable(0, "maximum")).ShouldBe(("true", "1", "1000"));
        (Adjustable(1, "enabled"), Adjustable(1, "maximum")).ShouldBe(("false", null));
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_trial_without_a_card_pauses_at_its_end_and_a_metered_price_has_no_quantity()
    {
        await using var edge = await StripeEdge.StartAsync();
        var checkout = Checkout with { Quantity = null, TrialDays = 14, TrialNeedsCard = false };

        await edge.Gateway.CreateCheckoutAsync(checkout, "k", TestContext.Current.CancellationToken);

        var sent = edge.Requests[0];
        (sent["line_items[0][price]"], sent["line_items[0][quantity]"]).ShouldBe(("price_1", null));
        (sent["subscription_data[trial_period_days]"], sent["payment_method_collection"]).ShouldBe(("14", "if_required"));
        sent["subscription_data[trial_settings][end_behavior][missing_payment_method]"].ShouldBe("pause");
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_dispute_names_the_subscription_whose_invoice_its_charge_paid()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(
                200,
                """{"has_more":false,"data":[{"id":"ch_1","disputed":true,"payment_intent":"pi_1"},{"id":"ch_2","disputed":true}]}""")
            .Then(200, """
                {"has_more":false,"data":[{"id":"inpay_1","object":"invoice_payment","invoice":{"id":"in_1","object":"invoice",
                "parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1"}}}}]}
                """)
            .Then(200, """{"has_more":false,"data":[{"id":"dp_1","status":"lost"}]}""")
            .Then(200, """{"has_more":false,"data":[{"id":"dp_2","status":"lost"}]}""");

        var disputes = await edge.Gateway.ListDisputesAsync("cus_1", DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);

        disputes.Select(static dispute => (dispute.Id, dispute.Subscription)).ShouldBe([("dp_1", "sub_1"), ("dp_2", null)]);
        (edge.Requests[1]["payment[type]"], edge.Requests[1]["payment[payment_intent]"], edge.Requests[1]["expand[0]"])
            .ShouldBe(("payment_intent", "pi_1", "data.invoice"));
    }

    private static PortalContents PortalOf(StripeEdge edge, params StripePrice[] prices) =>
        PortalContents.Of(prices, "https://r.example", edge.Options);

    private static NewCheckout Checkout => new(User, "cus_1", "price_1", "https://s.example", "https://c.example", Attempt: 1);
}

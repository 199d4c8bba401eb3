using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>What Stripe answers is read: lists to their end, and what is missing.</summary>
public sealed class GatewayListTests
{
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
}

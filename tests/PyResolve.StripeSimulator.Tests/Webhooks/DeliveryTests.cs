using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Tests.Webhooks;

public sealed class DeliveryTests : IAsyncLifetime
{
    private Stage _stage = null!;
    private WebhookReceiver _receiver = null!;
    private string _secret = "";

    private WebhookControls Webhooks => _stage.Simulation.Webhooks;

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        (_receiver, _secret) = await _stage.ListenAsync("customer.created", "customer.deleted");
    }

    public async ValueTask DisposeAsync()
    {
        await _stage.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task An_endpoint_gets_only_its_event_types_signed_with_its_secret_in_real_time()
    {
        _stage.Simulation.Advance(TimeSpan.FromDays(40));

        _stage.Simulation.AddCustomer();
        await IdleAsync();

        var received = _receiver.Received.ShouldHaveSingleItem();
        received.Type.ShouldBe("customer.created");
        received.IsSignedWith(_secret).ShouldBeTrue();
        received.SignedAt.ShouldBe(_stage.Clock.GetUtcNow());
    }

    [Fact]
    public async Task A_refused_event_is_retried_with_growing_waits()
    {
        _receiver.Status = 500;
        _stage.Simulation.AddCustomer();
        await IdleAsync();
        var waiting = Webhooks.Pending.ShouldHaveSingleItem();

        _stage.Simulation.Advance(TimeSpan.FromSeconds(5));
        await IdleAsync();
        var longer = Webhooks.Pending.ShouldHaveSingleItem();
        _receiver.Status = 200;
        _stage.Simulation.Advance(TimeSpan.FromSeconds(30));
        await IdleAsync();

        (waiting.Attempts, waiting.LastStatus, waiting.DueAt).ShouldBe((1, 500, _stage.Clock.GetUtcNow().AddSeconds(5)));
        longer.DueAt.ShouldBe(_stage.Clock.GetUtcNow().AddSeconds(35));
        _receiver.Received.Select(static received => received.Id).Distinct().ShouldHaveSingleItem();
        _receiver.Received.Count.ShouldBe(3);
        Webhooks.Pending.ShouldBeEmpty();
    }

    [Fact]
    public async Task After_days_of_refusal_an_event_is_given_up_and_listed_as_undelivered()
    {
        _receiver.Status = 302;
        _stage.Simulation.AddCustomer();

        for (var attempt = 0; attempt < 12; attempt++)
        {
            await IdleAsync();
            _stage.Simulation.Advance(TimeSpan.FromHours(12));
        }

        await IdleAsync();
        Webhooks.Pending.ShouldBeEmpty();
        _receiver.Received.Count.ShouldBe(12);
        var undelivered = (await _stage.Api.GetAsync("/v1/events?delivery_success=false&type=customer.created")).Ok();
        undelivered.Data.ShouldHaveSingleItem().GetProperty("pending_webhooks").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Paused_deliveries_are_sent_one_by_one_or_all_together()
    {
        Webhooks.Pause();
        _stage.Simulation.AddCustomer();
        _stage.Simulation.AddCustomer();
        await IdleAsync();
        _receiver.Received.ShouldBeEmpty();
        var second = Webhooks.Pending[1];

        var status = await Webhooks.DeliverAsync(second.Id, TestContext.Current.CancellationToken);
        var first = _receiver.Received.ShouldHaveSingleItem();
        Webhooks.Resume();
        await IdleAsync();

        status.ShouldBe(200);
        first.Id.ShouldBe(second.EventId);
        _receiver.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Deliveries_are_duplicated_dropped_and_delayed()
    {
        Webhooks.Pause();
        var customers = Enumerable.Range(0, 3).Select(_ => _stage.Simulation.AddCustomer()).ToList();
        var pending = Webhooks.Pending;
        Webhooks.Duplicate(pending[0].Id, copies: 2);
        Webhooks.Drop(pending[1].Id);
        Webhooks.Delay(pending[2].Id, TimeSpan.FromMinutes(10));

        Webhooks.Resume();
        await IdleAsync();
        var before = _receiver.Received.Select(static received => received.Id).ToList();
        _stage.Simulation.Advance(TimeSpan.FromMinutes(10));
        await IdleAsync();

        customers.Count.ShouldBe(pending.Count);
        before.ShouldBe([pending[0].EventId, pending[0].EventId, pending[0].EventId]);
        _receiver.Received[^1].Id.ShouldBe(pending[2].EventId);
        (await _stage.Api.GetAsync($"/v1/events/{pending[1].EventId}")).Ok();
    }

    [Fact]
    public void The_same_seed_shuffles_the_same_way()
    {
        Webhooks.Pause();
        for (var customer = 0; customer < 20; customer++)
            _stage.Simulation.AddCustomer();
        var before = Webhooks.Pending.Select(static delivery => delivery.Id).ToList();

        Webhooks.Shuffle(seed: 7);

        var after = Webhooks.Pending.Select(static delivery => delivery.Id).ToList();
        after.ShouldBe(before, ignoreOrder: true);
        after.ShouldNotBe(before);
        var expected = before.ToArray();
        new Random(7).Shuffle(expected);
        after.ShouldBe(expected);
    }

    [Fact]
    public async Task An_event_is_sent_again()
    {
        _stage.Simulation.AddCustomer();
        await IdleAsync();

        Webhooks.Resend(_receiver.Received[0].Id);
        await IdleAsync();

        _receiver.Received.Count.ShouldBe(2);
        _receiver.Received[1].Id.ShouldBe(_receiver.Received[0].Id);
    }

    [Fact]
    public async Task Events_of_another_version_mode_or_kind_can_be_created()
    {
        var customer = _stage.Simulation.AddCustomer();
        await IdleAsync();

        Webhooks.Create(new CustomEvent("customer.deleted") { ObjectId = customer, ApiVersion = "2023-08-16", Livemode = true });
        await IdleAsync();
        Webhooks.Create(new CustomEvent("customer.deleted") { ObjectId = customer, IsThin = true });
        await IdleAsync();
        Webhooks.Create(new CustomEvent("customer.deleted") { ObjectJson = """{"id":"dp_1","object":"dispute","customer":"cus_1"}""" });
        await IdleAsync();

        var (foreign, thin, dispute) = (_receiver.Received[1].Json, _receiver.Received[2].Json, _receiver.Received[3].Json);
        foreign.GetProperty("api_version").GetString().ShouldBe("2023-08-16");
        foreign.GetProperty("livemode").GetBoolean().ShouldBeTrue();
        thin.GetProperty("object").GetString().ShouldBe("v2.core.event");
        thin.GetProperty("related_object").GetProperty("id").GetString().ShouldBe(customer);
        thin.TryGetProperty("data", out _).ShouldBeFalse();
        dispute.GetProperty("data").GetProperty("object").GetProperty("object").GetString().ShouldBe("dispute");
        _receiver.Received.ShouldAllBe(received => received.IsSignedWith(_secret));
    }

    [Fact]
    public async Task An_endpoint_created_by_the_API_shows_its_secret_once_and_gets_events_in_its_own_version()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var endpoint = await _stage.Stripe.WebhookEndpoints.CreateAsync(
            new() { Url = receiver.Url.ToString(), EnabledEvents = ["customer.subscription.created"], ApiVersion = "2023-08-16" },
            cancellationToken: TestContext.Current.CancellationToken);

        _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(), _stage.Pro);
        await IdleAsync();

        var received = receiver.Received.ShouldHaveSingleItem();
        received.IsSignedWith(endpoint.Secret).ShouldBeTrue();
        received.Json.GetProperty("api_version").GetString().ShouldBe("2023-08-16");
        received.Json.GetProperty("data").GetProperty("object").TryGetProperty("current_period_end", out _).ShouldBeTrue();
        (await _stage.Stripe.WebhookEndpoints.GetAsync(endpoint.Id, cancellationToken: TestContext.Current.CancellationToken)).Secret
            .ShouldBeNull();
    }

    [Fact]
    public async Task A_disabled_or_deleted_endpoint_gets_nothing()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var form = $"url={receiver.Url}&enabled_events[]=*";
        var disabled = (await _stage.Api.PostAsync("/v1/webhook_endpoints", form)).Ok();
        var deleted = (await _stage.Api.PostAsync("/v1/webhook_endpoints", form)).Ok();
        (await _stage.Api.PostAsync($"/v1/webhook_endpoints/{disabled.Id}", "disabled=true")).Ok()["status"].GetString()
            .ShouldBe("disabled");
        (await _stage.Api.DeleteAsync($"/v1/webhook_endpoints/{deleted.Id}")).Ok()["deleted"].GetBoolean().ShouldBeTrue();

        _stage.Simulation.AddCustomer();
        await IdleAsync();

        receiver.Received.ShouldBeEmpty();
    }

    private Task IdleAsync() => Webhooks.WhenIdleAsync(TestContext.Current.CancellationToken);
}

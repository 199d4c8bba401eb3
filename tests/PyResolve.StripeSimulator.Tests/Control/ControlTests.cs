using System.Net.Http.Json;
using System.Net;
using System.Text.Json;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Tests.Control;

/// <summary>The controls over HTTP.</summary>
public sealed class ControlTests : IAsyncLifetime
{
    private Stage _stage = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _stage.Host.Address };
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return _stage.DisposeAsync();
    }

    [Theory]
    [InlineData("fail-payment", "past_due")]
    [InlineData("cancel", "canceled")]
    [InlineData("set", "unpaid", """{"status":"unpaid"}""")]
    [InlineData("cancel-at-period-end", "active", """{"portal":true}""")]
    public async Task A_command_changes_a_subscription(string command, string status, string body = "{}")
    {
        var subscription = Subscribe();

        await CommandAsync($"subscriptions/{subscription}/{command}", body);

        _stage.Simulation.Subscription(subscription).Status.ShouldBe(status);
    }

    [Fact]
    public async Task A_month_passes()
    {
        var before = _stage.Simulation.Now;

        await CommandAsync("clock/advance", """{"months":1,"seconds":30}""");

        _stage.Simulation.Now.ShouldBe(before.AddMonths(1).AddSeconds(30));
    }

    [Fact]
    public async Task The_state_shows_subscriptions_deliveries_and_requests()
    {
        _stage.Simulation.Webhooks.Pause();
        _stage.Simulation.AddWebhookEndpoint(new Uri("http://127.0.0.1:9/"), enabledEvents: "customer.subscription.created");
        var subscription = Subscribe();
        await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}");

        var state = await _http.GetFromJsonAsync<JsonElement>("/simulator/state", TestContext.Current.CancellationToken);

        state.GetProperty("subscriptions")[0].GetProperty("status").GetString().ShouldBe("active");
        state.GetProperty("deliveries_paused").GetBoolean().ShouldBeTrue();
        state.GetProperty("deliveries")[0].GetProperty("type").GetString().ShouldBe("customer.subscription.created");
        state.GetProperty("requests").GetProperty("GET /v1/subscriptions/{id}").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_paused_delivery_is_sent_on_command()
    {
        var (receiver, _) = await _stage.ListenAsync("customer.created");
        await using var listening = receiver;
        await CommandAsync("deliveries/pause");
        _stage.Simulation.AddCustomer();
        var waiting = _stage.Simulation.Webhooks.Pending.ShouldHaveSingleItem();

        await CommandAsync($"deliveries/{waiting.Id}/duplicate", """{"copies":2}""");
        using var delivered = await _http.PostAsync(
            $"/simulator/deliveries/{waiting.Id}/deliver", null, TestContext.Current.CancellationToken);

        (await delivered.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("status").GetInt32()
            .ShouldBe(200);
        receiver.Received.Count.ShouldBe(1);
        _stage.Simulation.Webhooks.Pending.Count.ShouldBe(2);
        await CommandAsync("deliveries/drop");
        _stage.Simulation.Webhooks.Pending.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_command_can_be_silent()
    {
        var subscription = Subscribe();
        var last = (await _stage.Api.GetAsync("/v1/events?limit=1")).Ok().At("data.0.id").GetString();

        await CommandAsync($"subscriptions/{subscription}/cancel", """{"silent":true}""");

        _stage.Simulation.Subscription(subscription).Status.ShouldBe("canceled");
        (await _stage.Api.GetAsync("/v1/events?limit=1")).Ok().At("data.0.id").GetString().ShouldBe(last);
    }

    [Fact]
    public async Task JSON_is_accepted_with_the_content_type_that_curl_sends()
    {
        var before = _stage.Simulation.Now;
        using var content = new StringContent("""{"days":1}""", System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");

        using var answer = await _http.PostAsync("/simulator/clock/advance", content, TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        _stage.Simulation.Now.ShouldBe(before.AddDays(1));
    }

    [Theory]
    [InlineData("clock/advance", """{"days":-1}""", 400)]
    [InlineData("clock/advance", """{"dys":1}""", 400)]
    [InlineData("clock/advance", "[]", 400)]
    [InlineData("clock/advance", "{", 400)]
    [InlineData("subscriptions/sub_nothing/cancel", "{}", 404)]
    [InlineData("deliveries/dlv_nothing/drop", "{}", 404)]
    [InlineData("deliveries/dlv_nothing/delay", "{}", 400)]
    [InlineData("customers/cus_nobody/card", """{"card":"gold"}""", 400)]
    [InlineData("requests/fail", """{"status":200}""", 400)]
    [InlineData("requests/fail", """{"route":"GET /v1/nonsense"}""", 400)]
    [InlineData("events", """{"type":"customer.updated","object_id":"cus_nobody"}""", 404)]
    public async Task An_invalid_command_says_why_and_does_nothing(string command, string body, int status)
    {
        var before = _stage.Simulation.Now;
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var refused = await _http.PostAsync($"/simulator/{command}", content, TestContext.Current.CancellationToken);

        ((int)refused.StatusCode).ShouldBe(status);
        (await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("error").GetString()
            .ShouldNotBeNullOrEmpty();
        _stage.Simulation.Now.ShouldBe(before);
    }

    [Theory]
    [InlineData("Origin", "https://elsewhere.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Host", "elsewhere.example", HttpStatusCode.BadRequest)]
    public async Task Pages_of_other_sites_cannot_send_commands(string header, string value, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/simulator/deliveries/pause");
        request.Headers.TryAddWithoutValidation(header, value).ShouldBeTrue();

        using var refused = await _http.SendAsync(request, TestContext.Current.CancellationToken);

        refused.StatusCode.ShouldBe(status);
    }

    private string Subscribe() => _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(), _stage.Pro);

    private async Task CommandAsync(string command, string body = "{}")
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync($"/simulator/{command}", content, TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}

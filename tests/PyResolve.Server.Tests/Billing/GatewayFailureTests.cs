using System.Text.Json;
using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Transient failures are retried, and errors have the details.</summary>
public sealed class GatewayFailureTests
{
    private const string Customer = """{"id":"cus_1","livemode":false}""";

    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");

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
}

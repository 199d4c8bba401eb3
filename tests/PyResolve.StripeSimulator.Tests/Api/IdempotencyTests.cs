using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

public sealed class IdempotencyTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task The_same_request_again_gets_the_same_answer_and_does_nothing()
    {
        var first = (await _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1")).Ok();

        var again = (await _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1")).Ok();

        again.Id.ShouldBe(first.Id);
        first.Header("Idempotent-Replayed").ShouldBeNull();
        again.Header("Idempotent-Replayed").ShouldBe("true");
        again.Header("Original-Request").ShouldBe(first.Header("Request-Id"));
        (await _stage.Api.GetAsync("/v1/customers")).Data.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("/v1/customers", "email=grace@example.com")]
    [InlineData("/v1/products", "name=ada@example.com")]
    public async Task Another_request_under_the_key_is_refused(string path, string form)
    {
        (await _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1")).Ok();

        var refused = await _stage.Api.PostAsync(path, form, "key-1");

        (refused.Status, refused.ErrorType).ShouldBe((400, "idempotency_error"));
    }

    [Fact]
    public async Task A_request_during_the_first_one_conflicts()
    {
        _stage.Simulation.Requests.SlowReads(TimeSpan.FromSeconds(3), writes: true);
        var both = Enumerable.Range(0, 8).Select(_ => _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1")).ToList();

        var answers = await Task.WhenAll(both);

        answers.Count(static answer => answer.Status == 200).ShouldBeGreaterThanOrEqualTo(1);
        answers.Where(static answer => answer.Status != 200)
            .ShouldAllBe(static answer => answer.Status == 409 && answer.ErrorCode == "idempotency_key_in_use");
        answers.ShouldContain(static answer => answer.Status == 409);
        (await _stage.Api.GetAsync("/v1/customers")).Data.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_malformed_request_does_not_use_up_its_key()
    {
        (await _stage.Api.PostAsync("/v1/products", "nom=Pro", "key-1")).Status.ShouldBe(400);

        (await _stage.Api.PostAsync("/v1/products", "name=Pro", "key-1")).Ok();
    }

    [Fact]
    public async Task An_error_that_depends_on_the_state_is_stored_like_any_answer()
    {
        var refused = await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm("cus_nobody"), "key-1");

        var again = await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm("cus_nobody"), "key-1");

        (refused.Status, again.Status).ShouldBe((400, 400));
        again.Header("Idempotent-Replayed").ShouldBe("true");
    }

    [Fact]
    public async Task A_key_is_forgotten_after_a_day()
    {
        var first = (await _stage.Api.PostAsync("/v1/customers", "", "key-1")).Ok();
        _stage.Clock.Advance(TimeSpan.FromHours(25));

        var later = (await _stage.Api.PostAsync("/v1/customers", "", "key-1")).Ok();

        later.Id.ShouldNotBe(first.Id);
    }

    [Fact]
    public async Task A_lost_answer_is_returned_to_the_next_attempt()
    {
        _stage.Simulation.Requests.FailNext(1, status: 0, FailureMoment.AfterEffect, "POST /v1/customers");
        await Should.ThrowAsync<HttpRequestException>(() => _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1"));

        var again = (await _stage.Api.PostAsync("/v1/customers", "email=ada@example.com", "key-1")).Ok();

        again.Header("Idempotent-Replayed").ShouldBe("true");
        (await _stage.Api.GetAsync("/v1/customers")).Data.Count.ShouldBe(1);
    }
}

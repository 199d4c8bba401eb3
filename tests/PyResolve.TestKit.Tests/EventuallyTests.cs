namespace PyResolve.TestKit.Tests;

public sealed class EventuallyTests
{
    [Fact]
    public async Task It_returns_once_the_condition_has_become_true()
    {
        var asked = 0;

        await Eventually.IsTrueAsync(() => ++asked == 3, cancellationToken: TestContext.Current.CancellationToken);

        asked.ShouldBe(3);
    }

    [Fact]
    public async Task A_condition_that_stays_false_is_named_in_the_failure()
    {
        var isDelivered = false;

        var failure = await Should.ThrowAsync<TimeoutException>(() => Eventually.IsTrueAsync(
            () => isDelivered, TimeSpan.FromMilliseconds(30), TestContext.Current.CancellationToken));

        failure.Message.ShouldBe("Not within 0.03 s: () => isDelivered");
    }

    [Fact]
    public async Task Assertions_that_never_pass_fail_with_their_own_message()
    {
        var failure = await Should.ThrowAsync<InvalidOperationException>(() => Eventually.HoldsAsync(
            () => throw new InvalidOperationException("the count"), TimeSpan.FromMilliseconds(30), TestContext.Current.CancellationToken));

        failure.Message.ShouldBe("the count");
    }
}

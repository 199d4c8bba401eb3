namespace PyResolve.Client.Tests.Usage;

public sealed class UsageFlushTests
{
    [Fact]
    public async Task A_cancelled_wait_throws_cancellation_even_if_the_flush_failed()
    {
        var flush = new UsageFlush(target: 1);
        flush.Fail(new PyResolveException(PyResolveErrorCodes.Unreachable, "The server is away."));
        var given = new CancellationToken(canceled: true);

        var said = await Should.ThrowAsync<OperationCanceledException>(() => flush.WaitAsync(given));

        said.CancellationToken.ShouldBe(given);
    }

    [Fact]
    public async Task A_waiting_caller_gets_the_failure()
    {
        var flush = new UsageFlush(target: 1);
        flush.Fail(new PyResolveException(PyResolveErrorCodes.Unreachable, "The server is away."));

        (await Should.ThrowAsync<PyResolveException>(() => flush.WaitAsync(TestContext.Current.CancellationToken)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }
}

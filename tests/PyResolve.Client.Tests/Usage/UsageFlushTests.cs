namespace PyResolve.Client.Tests.Usage;

public sealed class UsageFlushTests
{
    [Fact]
    public async Task Who_had_given_up_before_hears_of_that_though_the_flush_failed_meanwhile()
    {
        var flush = new UsageFlush(target: 1);
        flush.Fail(new PyResolveException(PyResolveErrorCodes.Unreachable, "The server is away."));
        var given = new CancellationToken(canceled: true);

        var said = await Should.ThrowAsync<OperationCanceledException>(() => flush.WaitAsync(given));

        said.CancellationToken.ShouldBe(given);
    }

    [Fact]
    public async Task Who_still_waits_hears_of_the_failure()
    {
        var flush = new UsageFlush(target: 1);
        flush.Fail(new PyResolveException(PyResolveErrorCodes.Unreachable, "The server is away."));

        (await Should.ThrowAsync<PyResolveException>(() => flush.WaitAsync(TestContext.Current.CancellationToken))).Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }
}

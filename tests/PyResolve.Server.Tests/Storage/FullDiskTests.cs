using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Storage;

public sealed class FullDiskTests
{
    [Fact]
    public async Task While_the_disk_of_an_embedded_database_is_full_the_server_is_not_ready_and_loses_nothing()
    {
        var cancellation = TestContext.Current.CancellationToken;
        FullDisk.Prepare();
        await using var server = await ServerProcess.StartAsync(cancellationToken: cancellation);
        var (account, anyone) = (await TestAccount.SignUpAsync(server.Http), new Caller(server.Http));
        (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);

        FullDisk.Fill(server.ProcessId);
        await Eventually.IsTrueAsync(async () => (await anyone.GetAsync("/health/ready")).Status == 503, cancellationToken: cancellation);
        (await anyone.GetAsync("/health/ready")).ShouldBeProblem(503, "unavailable").Detail!.ShouldContain("disk");
        (await account.Key.PostAsync("/usage", new { event_type = "migration" })).ShouldBeProblem(503, "unavailable");
        (await account.QuotaAsync()).Used.ShouldBe(1);

        FullDisk.Empty(server.ProcessId);
        await Eventually.IsTrueAsync(async () => (await anyone.GetAsync("/health/ready")).Status == 200, cancellationToken: cancellation);
        (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
        (await account.QuotaAsync()).Used.ShouldBe(2);
    }
}

namespace PyResolve.Testing.Tests.Conformance;

public sealed class BillingTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task A_server_without_billing_says_so(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        (await FailAsync(client.StartCheckoutAsync("gold", Cancellation))).Message.ShouldBe("Invalid plan. Use 'pro' or 'unlimited'.");
        foreach (var refused in (Task[])
                 [
                     client.StartCheckoutAsync("pro", Cancellation),
                     client.OpenPortalAsync(Cancellation),
                     client.GetSubscriptionAsync(Cancellation),
                     client.ListInvoicesAsync(cancellationToken: Cancellation),
                 ])
        {
            var exception = await FailAsync(refused);
            (exception.Status, exception.Code).ShouldBe((503, ProblemCodes.BillingNotConfigured));
        }
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}

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

    [Theory, OnEveryServer]
    public async Task A_server_without_credits_and_overage_says_so(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        (await FailAsync(client.StartCheckoutAsync(new CheckoutRequest { Credits = "small" }, Cancellation))).Message
            .ShouldBe("This server sells no credits.");
        (await FailAsync(client.StartCheckoutAsync(new CheckoutRequest { Credits = "small", Plan = "pro" }, Cancellation))).Status
            .ShouldBe(422);
        (await FailAsync(client.SetOverageCapAsync(5, Cancellation))).Message.ShouldBe("No plan of this server has overage.");
        (await FailAsync(client.SetOverageCapAsync(-1, Cancellation))).Status.ShouldBe(422);
        (await account.Key.PostAsync("/billing/overage", new { })).Status.ShouldBe(422);
        (await client.SetOverageCapAsync(0, Cancellation)).ShouldBe(await client.GetQuotaAsync(Cancellation));
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}

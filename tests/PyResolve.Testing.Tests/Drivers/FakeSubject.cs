namespace PyResolve.Testing.Tests.Drivers;

public sealed class FakeSubject : Subject
{
    private readonly FakePyResolveServer _server = FakePyResolveServer.Start(
        new() { StartAt = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero) });
    private readonly ServerKind _kind;

    public FakeSubject(ServerKind kind, bool isSignUpOpen = true)
    {
        _kind = kind;
        _server.IsSignUpOpen = isSignUpOpen;
        _server.Clock.IsStopped = true;
        _server.IsBillingConfigured = false;
        _server.Migrator = TestMigrators.Run;
        Http = new HttpClient(_server.CreateHandler()) { BaseAddress = Address };
    }

    public override HttpClient Http { get; }

    public override Uri Address => _server.Url;

    public override TimeProvider Clock => _server.Clock;

    public override void Advance(TimeSpan amount) => _server.Clock.Advance(amount);

    public override Task SetPlanAsync(TestAccount account, string plan)
    {
        Find(account).Plan = plan;
        return Task.CompletedTask;
    }

    public override Task DecideDevicesAsync(TestAccount account, bool approve = true)
    {
        foreach (var code in _server.PendingDeviceCodes)
        {
            if (approve)
                _server.ApproveDevice(code, Find(account));
            else
                _server.DenyDevice(code);
        }

        return Task.CompletedTask;
    }

    public override Task<string> ReadEmailAsync(TestAccount account, string page) =>
        Task.FromResult(
            (page == "reset-password" ? Find(account).PasswordResetToken : Find(account).EmailVerificationToken).ShouldNotBeNull());

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Http.Dispose();
        await _server.DisposeAsync();
    }

    protected override HttpMessageHandler CreateHandler() =>
        _kind is ServerKind.NewerFake ? new NewerServer { InnerHandler = _server.CreateHandler() } : _server.CreateHandler();

    private FakeAccount Find(TestAccount account) => _server.Accounts.Single(known => known.Id == account.UserId);
}

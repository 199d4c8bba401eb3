namespace PyResolve.Server.Tests.Devices;

/// <summary>A device without a browser: it asks for a code, shows it, and polls.</summary>
internal sealed record Device(Caller Http, string DeviceCode, string UserCode)
{
    public static async Task<Device> BeginAsync(HttpClient http, string clientId = "pyresolve-cli", string? scope = null)
    {
        var caller = new Caller(http);
        var answer = await caller.PostAsync(
            "/auth/device/code", scope is null ? new { client_id = clientId } : new { client_id = clientId, scope });
        answer.Status.ShouldBe(200, answer.Text);
        return new Device(caller, answer["device_code"].GetString()!, answer["user_code"].GetString()!);
    }

    public Task<Answer> PollAsync() => Http.PostAsync("/auth/device/token", new { device_code = DeviceCode });

    /// <summary>The error code of a refused poll, which is in two fields.</summary>
    public async Task<string> PollForErrorAsync()
    {
        var answer = await PollAsync();
        answer.Status.ShouldBe(400, answer.Text);
        answer["error"].GetString().ShouldBe(answer.Code);
        return answer.Code!;
    }
}

using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary>What RFC 8628 has a device wait longer when it is told to slow down.</summary>
    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    /// <summary>
    /// <c>POST /auth/device/code</c>: begins a login that a person approves in a browser, here or on another machine. Show
    /// <see cref="DeviceCodeResponse.VerificationUriComplete"/> and <see cref="DeviceCodeResponse.UserCode"/>, then wait by <see cref="WaitForDeviceLogInAsync"/>.
    /// </summary>
    /// <param name="clientId">What the device calls itself, such as <c>pyresolve-cli</c>: at most 100 characters, shown to the person, and the new key's name. Default none.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<DeviceCodeResponse> StartDeviceLogInAsync(string? clientId = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/device/code") with { NeedsKey = false }).With(new() { ClientId = clientId }, WireJson.Requests.DeviceCodeRequest),
            WireJson.Default.DeviceCodeResponse, static login => login is { DeviceCode: not null, UserCode: not null, VerificationUri: not null }, cancellationToken);

    /// <summary>
    /// <c>POST /auth/device/token</c>: asks once whether the login was approved. Not yet: it throws <see cref="ProblemCodes.AuthorizationPending"/>,
    /// or <see cref="ProblemCodes.SlowDown"/> where it was asked too soon.
    /// </summary>
    /// <param name="deviceCode">From <see cref="DeviceCodeResponse.DeviceCode"/>; good for one key.</param>
    /// <param name="cancellationToken">Gives up waiting; the code may have been redeemed.</param>
    public Task<DeviceTokenResponse> RedeemDeviceCodeAsync(string deviceCode, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/device/token") with { NeedsKey = false }).With(new() { DeviceCode = Guard.NotNull(deviceCode) }, WireJson.Requests.DeviceTokenRequest),
            WireJson.Default.DeviceTokenResponse, static redeemed => redeemed is { ApiKey: not null, User: not null }, cancellationToken);

    /// <summary>
    /// Asks until the person has approved the login, as often as the server wants it, and less often while it cannot be reached. Returns the
    /// new key, the only time that it is shown; <see cref="Keys"/> keeps it.
    /// </summary>
    /// <param name="login">What <see cref="StartDeviceLogInAsync"/> returned, just now.</param>
    /// <param name="cancellationToken">Gives up; the person may approve all the same, and then a key exists that nobody has.</param>
    /// <exception cref="PyResolveException">The person denied it (<c>access_denied</c>), or nobody decided in time (<c>expired_token</c>).</exception>
    public async Task<DeviceTokenResponse> WaitForDeviceLogInAsync(DeviceCodeResponse login, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(login);
        var start = _transport.Time.GetTimestamp();
        var interval = TimeSpan.FromSeconds(Math.Max(1, login.Interval));
        while (true)
        {
            await _transport.Time.Pause(interval, cancellationToken).ConfigureAwait(false);
            try
            {
                return await RedeemDeviceCodeAsync(login.DeviceCode, cancellationToken).ConfigureAwait(false);
            }
            catch (PyResolveException exception) when (exception.Code is ProblemCodes.AuthorizationPending)
            {
            }
            catch (PyResolveException exception) when (exception.Code is ProblemCodes.SlowDown)
            {
                interval += SlowDown;
            }
            catch (PyResolveException exception) when (IsPassing(exception) && _transport.Time.GetElapsedTime(start) < TimeSpan.FromSeconds(login.ExpiresIn))
            {
                interval += interval;
            }
        }
    }

    private static bool IsPassing(PyResolveException exception) =>
        exception.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout || exception.Status is 429 or 502 or 503 or 504;
}

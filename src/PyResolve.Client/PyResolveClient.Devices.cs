using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary>The time that RFC 8628 adds to the polling interval after <c>slow_down</c>.</summary>
    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    /// <summary><c>POST /auth/device/code</c>: starts a login that a user approves in a browser, on this or another machine. Show
    /// <see cref="DeviceCodeResponse.VerificationUriComplete"/> and <see cref="DeviceCodeResponse.UserCode"/>, then call
    /// <see cref="WaitForDeviceLogInAsync"/>.</summary>
    /// <param name="clientId">The device's name, such as <c>pyresolve-cli</c>: at most 100 characters; names the new key.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<DeviceCodeResponse> StartDeviceLogInAsync(string? clientId = null, CancellationToken cancellationToken = default) =>
        StartDeviceLogInAsync(new DeviceCodeRequest { ClientId = clientId }, cancellationToken);

    /// <summary>As the other, with what the new key may do.</summary>
    /// <param name="request">The device's name and the scopes, which the user is shown.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<DeviceCodeResponse> StartDeviceLogInAsync(DeviceCodeRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/device/code").With(Guard.NotNull(request), WireJson.Requests.DeviceCodeRequest),
            WireJson.Default.DeviceCodeResponse,
            static login => login is { DeviceCode: not null, UserCode: not null, VerificationUri: not null },
            cancellationToken);

    /// <summary><c>POST /auth/device/token</c>: asks once whether the login was approved.</summary>
    /// <param name="deviceCode">From <see cref="DeviceCodeResponse.DeviceCode"/>; valid for one key.</param>
    /// <param name="cancellationToken">Stops waiting; the code may have been redeemed.</param>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.AuthorizationPending"/>: nobody has approved it yet;
    /// <see cref="ProblemCodes.SlowDown"/>: asked too often; <see cref="ProblemCodes.AccessDenied"/> or
    /// <see cref="ProblemCodes.ExpiredToken"/>: it was denied, or not approved in time.</exception>
    public Task<DeviceTokenResponse> RedeemDeviceCodeAsync(string deviceCode, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/device/token")
                .With(new() { DeviceCode = Guard.NotNull(deviceCode) }, WireJson.Requests.DeviceTokenRequest),
            WireJson.Default.DeviceTokenResponse, static redeemed => redeemed is { ApiKey: not null, User: not null }, cancellationToken);

    /// <summary>Polls until the user has approved the login, at the server's interval, and less often while the server is out of reach. It
    /// returns the new key, which is shown only this once; save it with <see cref="Keys"/>.</summary>
    /// <param name="login">The result of <see cref="StartDeviceLogInAsync(string?, CancellationToken)"/>.</param>
    /// <param name="cancellationToken">Stops polling; the user may still approve, which creates an unknown key.</param>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.AccessDenied"/>: denied; <see cref="ProblemCodes.ExpiredToken"/>: not
    /// decided in time.</exception>
    public async Task<DeviceTokenResponse> WaitForDeviceLogInAsync(DeviceCodeResponse login, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(login);
        var start = _transport.Time.GetTimestamp();
        var interval = TimeSpan.FromSeconds(Math.Max(1, login.Interval));
        while (true)
        {
            await _transport.Time.DelayAsync(interval, cancellationToken).ConfigureAwait(false);
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
            catch (PyResolveException exception)
                when (IsTransient(exception) && _transport.Time.GetElapsedTime(start) < TimeSpan.FromSeconds(login.ExpiresIn))
            {
                interval += interval;
            }
        }
    }

    private static bool IsTransient(PyResolveException exception) =>
        exception.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout || exception.Status is 429 or 502 or 503 or 504;
}

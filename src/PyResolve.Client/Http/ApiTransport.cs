using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Every failure becomes a <see cref="PyResolveException"/>, except cancellation.</summary>
/// <param name="settings">The options, the server and the key.</param>
/// <param name="http">The HTTP client for one request.</param>
/// <param name="connects">Whether <see cref="HttpDefaults"/> made its handler; otherwise nothing is known about its proxy.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Logs the start and the end of outages, and retries.</param>
internal sealed partial class ApiTransport(
    ClientSettings settings, Func<HttpClient> http, bool connects, TimeProvider time, ILogger? logger = null)
{
    private const string Category = "PyResolve.Client.PyResolveClient";

    private readonly string _userAgent =
        (settings.ApplicationName is { } name ? name + " " : "") + "pyresolve-dotnet/" + ClientTelemetry.Version;

    private readonly string _root = settings.ApiUrl.AbsoluteUri.TrimEnd('/');
    private readonly ILogger _logger = logger ?? settings.LoggerFactory?.CreateLogger(Category) ?? NullLogger.Instance;
    private readonly ConnectionFailure _failure = new(
        settings.ApiUrl.AbsoluteUri.TrimEnd('/'),
        connects ? settings.ConnectTimeout : null,
        () => connects ? ServerProxy.AddressFor(settings) : null);
    private long _changes;

    public ClientSettings Settings => settings;

    public Uri ApiUrl => settings.ApiUrl;

    public bool HasKey => settings.ApiKey is not null;

    public TimeProvider Time => time;

    public ILogger Logger => _logger;

    /// <summary>Called after each successful answer to a request with the client's key that names the account.</summary>
    public Action<Guid>? AccountSeen { get; set; }

    public ServerClock ServerClock { get; } = new(time);

    public Outage Outage { get; } =
        new(time, connects ? new OutageFile(settings, () => ServerProxy.AddressFor(settings)) : null);

    /// <summary>Counts possible changes of the account. A read is outdated if this is not what it was before the read.</summary>
    public long Changes => Volatile.Read(ref _changes);

    /// <summary>Sends a request, and retries it if that is safe and useful, within the request timeout in total.</summary>
    public Task<T> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: false, answer => answer.Read(type, isComplete), cancellationToken);

    public Task SendAsync(ApiRequest request, CancellationToken cancellationToken) =>
        CallAsync(request, once: false, static answer => answer.IsFromServer ? answer : throw answer.Unexpected(), cancellationToken);

    public Task<T> SendOnceAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: true, answer => answer.Read(type, isComplete), cancellationToken);

    private async Task<T> CallAsync<T>(ApiRequest request, bool once, Func<ApiAnswer, T> read, CancellationToken cancellationToken)
        where T : class
    {
        using var call = new ApiCall(request, settings.ApiUrl);
        NoteChange(request);
        try
        {
            var result = read(once
                ? await SendAttemptAsync(request, call, settings.RequestTimeout, cancellationToken).ConfigureAwait(false)
                : await SendWithRetriesAsync(request, call, cancellationToken).ConfigureAwait(false));
            EndOutage();
            return result;
        }
        catch (Exception exception)
        {
            // Sending usage tries again by itself, and says when it gives up.
            if (!once && exception is PyResolveException failure)
                BeginOutage(failure);
            call.Failed(exception);
            throw;
        }
        finally
        {
            NoteChange(request);
        }
    }

    private async Task<ApiAnswer> SendWithRetriesAsync(ApiRequest request, ApiCall call, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var remaining = settings.RequestTimeout - time.GetElapsedTime(start);
            var mayRetry = request.IsRepeatable && attempt < Retry.Attempts;
            TimeSpan wait;
            try
            {
                // An attempt that may be repeated gets half of the time, so that a lost packet does not fail the whole call.
                var limit = mayRetry ? TimeSpan.FromTicks(remaining.Ticks / 2) : remaining;
                return await SendAttemptAsync(request, call, limit, cancellationToken).ConfigureAwait(false);
            }
            catch (PyResolveException exception)
            {
                remaining = settings.RequestTimeout - time.GetElapsedTime(start);
                if (!mayRetry || Retry.WaitAfter(exception, attempt) is not { } retryDelay || retryDelay >= remaining)
                    throw;

                wait = retryDelay;
                Log.Retrying(_logger, request, attempt + 1, wait.TotalMilliseconds, exception.Code);
            }

            await time.DelayAsync(wait, cancellationToken).ConfigureAwait(false);
            call.Retry();
        }
    }

    private async Task<ApiAnswer> SendAttemptAsync(ApiRequest request, ApiCall call, TimeSpan limit, CancellationToken cancellationToken)
    {
        ThrowIfKeyIsMissing(request);
        cancellationToken.ThrowIfCancellationRequested();

        var target = $"{request.Method} {_root}{request.Path}";
        using var timeout = time.CreateTimeout(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var message = CreateMessage(request);
        RepeatGuard.Begin(request.IsRepeatable);
        var sentAt = time.GetUtcNow();
        try
        {
            using var response = await http()
                .SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            var answer = await ApiAnswer.ReadAsync(target, response, time, either.Token).ConfigureAwait(false);
            call.Answered(answer.Status);
            ThrowIfProxyAnswered(answer);
            ServerClock.Adjust(answer.Date, sentAt);
            if (answer.AccountId is { } account && request.UsesKey && answer.IsSuccess)
                AccountSeen?.Invoke(account);
            return answer.IsSuccess ? answer : throw Refusal(answer, request);
        }
        catch (Exception exception) when (exception is not PyResolveException)
        {
            throw Failure(exception, timeout.Token, cancellationToken);
        }
    }

    /// <summary>Whatever the HTTP client or a message handler throws: a cancellation of the caller, or else this client's own.</summary>
    private Exception Failure(Exception exception, CancellationToken timeout, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException("The call was cancelled.", cancellationToken);
        return timeout.IsCancellationRequested ? _failure.TimedOut(settings.RequestTimeout) : _failure.Describe(exception);
    }

    private PyResolveException Refusal(ApiAnswer answer, ApiRequest request)
    {
        var refusal = answer.Failure(request.UsesKey ? settings.LogInHint : null);
        if (refusal.Code != PyResolveErrorCodes.UnexpectedAnswer)
            EndOutage();
        return refusal;
    }

    /// <summary>Over plain http every answer comes from the proxy, and it may be the proxy's own.</summary>
    private void ThrowIfProxyAnswered(ApiAnswer answer)
    {
        if (answer.Status == (int)HttpStatusCode.ProxyAuthenticationRequired)
            throw _failure.ProxyRefused(answer.Status);
        if (!answer.IsFromServer && settings.ApiUrl.Scheme == "http" && connects && ServerProxy.AddressFor(settings) is { } proxy)
            throw answer.Unexpected(by: $"The proxy {ConnectionFailure.Name(proxy)}");
    }

    private void ThrowIfKeyIsMissing(ApiRequest request)
    {
        if (!settings.IsEnabled || (request.UsesKey && !HasKey))
            throw NoApiKey();
    }

    public PyResolveException NoApiKey() => settings.IsEnabled
        ? new(PyResolveErrorCodes.LoginRequired, "No API key.", settings.LogInHint)
        : new(PyResolveErrorCodes.Disabled, "The client is switched off.", "Set Enabled to true.");

    private HttpRequestMessage CreateMessage(ApiRequest request)
    {
        var message = new HttpRequestMessage(request.Method, _root + request.Path);
        message.Headers.TryAddWithoutValidation("User-Agent", _userAgent);
        message.Headers.Accept.Add(new("application/json"));
        if (request.SessionToken is { } session)
            message.Headers.Authorization = new("Bearer", session);
        else if (request.AllowsKey)
            message.Headers.Add("X-API-Key", settings.ApiKey);
        if (request.IdempotencyKey is { } idempotencyKey)
            message.Headers.Add("Idempotency-Key", idempotencyKey);
        if (request.PrefersAsync)
            message.Headers.Add("Prefer", "respond-async");
        if (request.Body is { } body)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return message;
    }

    private void NoteChange(ApiRequest request)
    {
        if (request.ChangesQuota)
            Interlocked.Increment(ref _changes);
    }

    /// <summary>Notes that the server is out of reach, if that is what a failure says, and logs it once.</summary>
    public void BeginOutage(PyResolveException cause)
    {
        if (!cause.IsOutOfReach || !Outage.Begin(cause))
            return;
        ClientTelemetry.Outages.Add(1);
        Log.ServerUnreachable(_logger, cause.Message);
    }

    private void EndOutage()
    {
        if (Outage.End())
            Log.ServerReachable(_logger, _root);
    }

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Warning, "{Reason}")]
        public static partial void ServerUnreachable(ILogger logger, string reason);

        [LoggerMessage(7, LogLevel.Information, "{Server} answers again")]
        public static partial void ServerReachable(ILogger logger, string server);

        [LoggerMessage(8, LogLevel.Debug, "Retrying {Request} in {Milliseconds} ms (attempt {Attempt}): {Code}")]
        public static partial void Retrying(ILogger logger, ApiRequest request, int attempt, double milliseconds, string code);
    }
}

using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Every failure becomes a <see cref="PyResolveException"/>, except cancellation.</summary>
internal sealed partial class ApiTransport(ClientSettings settings, Func<HttpClient> http, TimeProvider time, ILogger? logger = null)
{
    private const string Category = "PyResolve.Client.PyResolveClient";

    private readonly string _userAgent =
        (settings.ApplicationName is { } name ? name + " " : "") + "pyresolve-dotnet/" + ClientTelemetry.Version;

    private readonly string _root = settings.ApiUrl.AbsoluteUri.TrimEnd('/');
    private readonly ILogger _logger = logger ?? settings.LoggerFactory?.CreateLogger(Category) ?? NullLogger.Instance;
    private long _changes;

    public ClientSettings Settings => settings;

    public Uri ApiUrl => settings.ApiUrl;

    public bool HasKey => settings.ApiKey is not null;

    public TimeProvider Time => time;

    /// <summary>Called after each successful answer to a request with the client's key that names the account.</summary>
    public Action<Guid>? AccountSeen { get; set; }

    public ServerClock ServerClock { get; } = new(time);

    public Outage Outage { get; } = new(time);

    /// <summary>Counts possible changes of the account. A read is outdated if this is not what it was before the read.</summary>
    public long Changes => Volatile.Read(ref _changes);

    /// <summary>Sends a request, and retries it if that is safe and useful, within the request timeout in total.</summary>
    public Task<T> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: false, answer => answer.Read(type, isComplete), cancellationToken);

    public Task SendAsync(ApiRequest request, CancellationToken cancellationToken) =>
        CallAsync(request, once: false, static answer => answer, cancellationToken);

    public Task<T> SendOnceAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: true, answer => answer.Read(type, isComplete), cancellationToken);

    private async Task<T> CallAsync<T>(ApiRequest request, bool once, Func<ApiAnswer, T> read, CancellationToken cancellationToken)
        where T : class
    {
        using var call = new ApiCall(request, settings.ApiUrl);
        NoteChange(request);
        try
        {
            return read(once
                ? await SendAttemptAsync(request, call, settings.RequestTimeout, cancellationToken).ConfigureAwait(false)
                : await SendWithRetriesAsync(request, call, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
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
                {
                    if (exception.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout)
                        BeginOutage(exception);
                    throw;
                }

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
        var sentAt = time.GetUtcNow();
        try
        {
            using var response = await http()
                .SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            var answer = await ApiAnswer.ReadAsync(target, response, time, either.Token).ConfigureAwait(false);
            call.Answered(answer.Status);
            EndOutage();
            ServerClock.Adjust(answer.Date, sentAt);
            if (answer.AccountId is { } account && request.UsesKey && answer.IsSuccess)
                AccountSeen?.Invoke(account);
            return answer.IsSuccess ? answer : throw answer.Failure(request.UsesKey ? settings.LogInHint : null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TimedOut();
        }
        catch (Exception exception) when (ConnectionFailure.Is(exception))
        {
            throw ConnectionFailure.Describe(_root, exception);
        }
    }

    private void ThrowIfKeyIsMissing(ApiRequest request)
    {
        if (!settings.IsEnabled || (request.UsesKey && !HasKey))
            throw NoApiKey();
    }

    public PyResolveException NoApiKey() => settings.IsEnabled
        ? new(PyResolveErrorCodes.LoginRequired, "No API key.", settings.LogInHint)
        : new(PyResolveErrorCodes.Disabled, "The client is switched off.", "Set Enabled to true.");

    private PyResolveException TimedOut() => new(
        PyResolveErrorCodes.Timeout,
        $"{_root} did not answer within {settings.RequestTimeout.TotalSeconds:0.###} s.",
        "Try again, or check the network and PYRESOLVE_API_URL.");

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
        if (request.Body is { } body)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return message;
    }

    private void NoteChange(ApiRequest request)
    {
        if (request.Method != HttpMethod.Get)
            Interlocked.Increment(ref _changes);
    }

    private void BeginOutage(PyResolveException cause)
    {
        if (!Outage.Begin(cause))
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

using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using PyResolve.Client;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Hosting;
using Stripe;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Corrects Stripe.net's client (it retries twice at most, under the same <c>Idempotency-Key</c>): every failure becomes our
/// <see cref="StripeException"/>, no message quotes a body or a key, nothing is written to the console, and the request headers name
/// neither the machine nor the tools that run on it. Thread-safe.
/// </summary>
internal sealed partial class StripeConnection : IHttpClient
{
    private readonly SystemNetHttpClient _http;
    private readonly TimeSpan _timeout;

    public StripeConnection(BillingOptions options, TimeSpan timeout)
    {
        var sockets = new SocketsHttpHandler
        {
            // The secret key must not travel to another host.
            AllowAutoRedirect = false,
            UseCookies = false,
            // No proxy leads to a simulator on this machine.
            UseProxy = !Loopback.Is(options.ApiBase),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        var pace = new StripePace(options.RequestsPerSecond, TimeProvider.System);
        _timeout = timeout;
        _http = new SystemNetHttpClient(
            new HttpClient(new RequestHandler(sockets, pace)) { Timeout = timeout },
            SystemNetHttpClient.DefaultMaxNumberRetries,
            enableTelemetry: false);
        // Not through StripeConfiguration, which is global to the process.
        Client = new StripeClient(new StripeClientOptions
        {
            ApiKey = options.SecretKey,
            ApiBase = options.ApiBase.GetLeftPart(UriPartial.Authority),
            HttpClient = this,
        });
    }

    public StripeClient Client { get; }

    /// <summary>
    /// Sends a request. Stripe.net reads an answer only if the status is 200 and the body is an object; anything else throws here.
    /// </summary>
    public async Task<StripeResponse> MakeRequestAsync(StripeRequest request, CancellationToken cancellationToken = default)
    {
        var response = await SendAsync(request, cancellationToken);
        // Stripe.net writes this header to Console.Error.
        response.Headers.Remove("Stripe-Notice");
        return response.StatusCode is HttpStatusCode.OK && response.Content.AsSpan().TrimStart().StartsWith('{')
            ? response
            : throw ReadError(response);
    }

    public Task<StripeStreamedResponse> MakeStreamingRequestAsync(StripeRequest request, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public async Task<StripeResponse> SendAsync(StripeRequest request, CancellationToken cancellationToken)
    {
        try
        {
            // Stripe.net waits between two attempts without looking at the token.
            return await _http.MakeRequestAsync(request, cancellationToken).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StripeException(
                $"Stripe did not answer {request.Method} {request.Uri.AbsolutePath} within {_timeout.TotalSeconds} s.", exception);
        }
        catch (HttpRequestException exception)
        {
            throw new StripeException(
                $"Stripe cannot be reached for {request.Method} {request.Uri.AbsolutePath}: {exception.Message}", exception);
        }
    }

    public static async Task<TResult> ReadAsync<TAnswer, TResult>(Task<TAnswer> call, Func<TAnswer, TResult> map)
    {
        try
        {
            return map(await call);
        }
        catch (Exception exception) when (exception is not (StripeException or OperationCanceledException))
        {
            // The status was 200: everything else has thrown before. Stripe.net's message holds the whole body, and its reader fails with
            // exceptions of many types.
            throw Unreadable(200, (exception as Stripe.StripeException)?.StripeResponse?.RequestId);
        }
    }

    /// <summary>Reads an error. The member <c>error</c> is an object, or in answers of OAuth a word.</summary>
    private static StripeException ReadError(StripeResponse response)
    {
        var status = (int)response.StatusCode;
        try
        {
            using var body = JsonDocument.Parse(response.Content);
            if (status == 200
                || body.RootElement.ValueKind is not JsonValueKind.Object
                || !body.RootElement.TryGetProperty("error", out var error))
                return Unreadable(status, response.RequestId);
            if (error.ValueKind is JsonValueKind.String)
            {
                var word = WithoutSecrets(error.GetString()!);
                return new StripeException($"Stripe answered {status}: {word}")
                {
                    Status = status,
                    Code = word,
                    RequestId = response.RequestId,
                };
            }

            if (error.ValueKind is not JsonValueKind.Object)
                return Unreadable(status, response.RequestId);
            var message = status == 401 ? "Stripe does not know the key in STRIPE_SECRET_KEY." : Text(error, "message");
            return new StripeException($"Stripe answered {status}: {message ?? Text(error, "code") ?? Text(error, "type")}")
            {
                Status = status,
                Type = Text(error, "type"),
                Code = Text(error, "code"),
                Param = Text(error, "param"),
                RequestId = response.RequestId,
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a surrogate pair in a string.
            return Unreadable(status, response.RequestId);
        }
    }

    private static StripeException Unreadable(int status, string? requestId) =>
        new($"Stripe's answer (status {status}) cannot be read.") { Status = status, RequestId = requestId };

    private static string? Text(JsonElement error, string member) =>
        error.TryGetProperty(member, out var value) && value.ValueKind is JsonValueKind.String ? WithoutSecrets(value.GetString()!) : null;

    /// <summary>Removes keys, because Stripe's messages quote parts of them.</summary>
    private static string WithoutSecrets(string text) => Secret().Replace(text, "${kind}…");

    [GeneratedRegex(
        """(?<kind>[sr]k_(live|test)_|whsec_)[^\s'"]*""",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secret();

    private sealed class RequestHandler(HttpMessageHandler inner, StripePace pace) : DelegatingHandler(inner)
    {
        private readonly ProductInfoHeaderValue[] _userAgent =
            [new("PyResolve", ServerVersion.Current), new("Stripe.net", StripeConfiguration.StripeNetVersion)];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // Stripe.net adds the versions of .NET and Newtonsoft.Json, and the AI agent that started the process (from environment
            // variables).
            request.Headers.Remove("X-Stripe-Client-User-Agent");
            request.Headers.UserAgent.Clear();
            foreach (var product in _userAgent)
                request.Headers.UserAgent.Add(product);
            await pace.WaitAsync(cancellationToken);
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (Exception exception) when (ConnectionFailure.Is(exception) && exception is not HttpRequestException)
            {
                // Stripe.net retries after an HttpRequestException only.
                throw new HttpRequestException(exception.Message, exception);
            }
        }
    }
}

namespace PyResolve.Client;

internal sealed partial class ApiTransport
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>Sends a request once and copies the answer as it arrives. Each piece may take the whole request timeout.</summary>
    public async Task DownloadAsync(ApiRequest request, string mediaType, Stream destination, CancellationToken cancellationToken)
    {
        using var call = new ApiCall(request, ApiUrl);
        try
        {
            await DownloadAsync(request, call, mediaType, destination, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            call.Failed(exception);
            throw;
        }
    }

    private async Task DownloadAsync(
        ApiRequest request, ApiCall call, string mediaType, Stream destination, CancellationToken cancellationToken)
    {
        ThrowIfKeyIsMissing(request);
        var (server, response) = await InTurnAsync(
            request, call, settings.RequestTimeout, mayRetry: false,
            (asked, limit) => OpenAsync(request, call, asked, limit, mediaType, cancellationToken)).ConfigureAwait(false);
        using var _ = response;
        EndOutage(server);

        using var body = await WithinAsync(server, settings.RequestTimeout, response.Content!.OpenAsync, cancellationToken)
            .ConfigureAwait(false);
        var piece = new byte[PieceBytes];
        int read;
        while ((read = await ReadAsync(body, piece, server, cancellationToken).ConfigureAwait(false)) > 0)
            await destination.WritePieceAsync(piece, read, cancellationToken).ConfigureAwait(false);
    }

    private Task<int> ReadAsync(Stream body, byte[] piece, Server server, CancellationToken cancellationToken) =>
        WithinAsync(server, settings.RequestTimeout, token => body.ReadPieceAsync(piece, token), cancellationToken);

    private async Task<(Server Server, HttpResponseMessage Response)> OpenAsync(
        ApiRequest request, ApiCall call, Server server, TimeSpan limit, string mediaType, CancellationToken cancellationToken)
    {
        using var message = CreateMessage(request, server);
        message.Headers.Accept.Add(new(mediaType));
        var response = await WithinAsync(
            server, limit, token => http().SendAsync(message, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken)
            .ConfigureAwait(false);
        call.Answered((int)response.StatusCode);
        var receivedType = response.Content?.Headers.ContentType?.MediaType;
        if (response.IsSuccessStatusCode && string.Equals(receivedType, mediaType, StringComparison.OrdinalIgnoreCase))
            return (server, response);
        using (response)
        {
            var answer = await WithinAsync(
                server, limit, token => ApiAnswer.ReadAsync(Target(request, server), response, time, token), cancellationToken)
                .ConfigureAwait(false);
            ThrowIfProxyAnswered(answer, server);
            throw answer.IsSuccess ? answer.Unexpected() : Refusal(answer, request, server);
        }
    }

    private async Task<T> WithinAsync<T>(
        Server server, TimeSpan limit, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var timeout = time.CreateTimeout(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await work(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not PyResolveException)
        {
            throw Failure(exception, server, timeout.Token, cancellationToken);
        }
    }
}

namespace PyResolve.Client;

internal sealed partial class ApiTransport
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>Sends a request once and copies the answer as it arrives. Each piece may take the whole request timeout.</summary>
    public async Task DownloadAsync(ApiRequest request, string mediaType, Stream destination, CancellationToken cancellationToken)
    {
        using var call = new ApiCall(request, settings.ApiUrl);
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
        var target = $"{request.Method} {_root}{request.Path}";
        using var message = CreateMessage(request);
        message.Headers.Accept.Add(new(mediaType));
        using var response = await WithinAsync(
            token => http().SendAsync(message, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken).ConfigureAwait(false);
        call.Answered((int)response.StatusCode);
        var receivedType = response.Content?.Headers.ContentType?.MediaType;
        if (!response.IsSuccessStatusCode || !string.Equals(receivedType, mediaType, StringComparison.OrdinalIgnoreCase))
        {
            var answer = await WithinAsync(
                token => ApiAnswer.ReadAsync(target, response, time, token), cancellationToken).ConfigureAwait(false);
            ThrowIfProxyAnswered(answer);
            throw answer.IsSuccess ? answer.Unexpected() : Refusal(answer, request);
        }

        EndOutage();

        using var body = await WithinAsync(response.Content!.OpenAsync, cancellationToken).ConfigureAwait(false);
        var piece = new byte[PieceBytes];
        int read;
        while ((read = await WithinAsync(token => body.ReadPieceAsync(piece, token), cancellationToken).ConfigureAwait(false)) > 0)
            await destination.WritePieceAsync(piece, read, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var timeout = time.CreateTimeout(settings.RequestTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await work(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not PyResolveException)
        {
            throw Failure(exception, timeout.Token, cancellationToken);
        }
    }
}

namespace PyResolve.Client;

/// <summary>The innermost message handler: it lets a request that could take effect twice pass once, whatever the handlers around it try.
/// Thread-safe.</summary>
internal sealed class RepeatGuard : DelegatingHandler
{
    private static readonly AsyncLocal<Pass?> Current = new();

    /// <summary>Guards what the calling method sends from here on, until it returns.</summary>
    public static void Begin(bool isRepeatable) => Current.Value = isRepeatable ? null : new();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (Current.Value is not { } pass)
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (!pass.TryUse())
            throw new RepeatedSendException(pass.Result);
        try
        {
            var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            pass.Result = new HttpRequestException(
                $"a message handler discarded the answer {(int)response.StatusCode} to a request that could take effect twice, "
                + "and repeated it");
            return response;
        }
        catch (Exception exception)
        {
            pass.Result = exception;
            throw;
        }
    }

    private sealed class Pass
    {
        private int _isUsed;
        private Exception? _result;

        public Exception? Result
        {
            get => Volatile.Read(ref _result);
            set => Volatile.Write(ref _result, value);
        }

        public bool TryUse() => Interlocked.Exchange(ref _isUsed, 1) == 0;
    }
}

/// <summary>A message handler sent a request again that could take effect twice. The inner exception is how the first send ended.</summary>
internal sealed class RepeatedSendException(Exception? first)
    : Exception("A message handler sent a request again that could take effect twice. It was not sent.", first);

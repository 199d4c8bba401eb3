using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>A failure that a caller cannot be expected to handle in its normal flow: an invalid key, no network, a server error, an invalid
/// configuration. A denied permit is not one (see <see cref="QuotaPermit.Denial"/>). The message is one line: the cause, then
/// <see cref="Hint"/>. It never contains a key.</summary>
public class PyResolveException : Exception
{
    /// <summary>Creates an exception with a stable code and a message for people.</summary>
    /// <param name="code">One of <see cref="PyResolveErrorCodes"/> or <see cref="ProblemCodes"/>.</param>
    /// <param name="message">The cause and what to do about it, in one line.</param>
    /// <param name="innerException">The exception that caused this one, if any.</param>
    public PyResolveException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = Guard.NotNull(code);
        Cause = message;
    }

    internal PyResolveException(string code, string cause, string? hint, Exception? innerException = null)
        : this(code, hint is null ? cause : $"{cause} {hint}", innerException)
    {
        Cause = cause;
        Hint = hint;
    }

    /// <summary>One of <see cref="PyResolveErrorCodes"/> or <see cref="ProblemCodes"/>, or a code that only a newer server knows.</summary>
    public string Code { get; }

    /// <summary>The message without <see cref="Hint"/>.</summary>
    public string Cause { get; }

    /// <summary>What to do next, for people, such as <see cref="PyResolveClientOptions.LogInHint"/>; <see langword="null"/> when the
    /// client has no advice. In the client's own exceptions, <see cref="Exception.Message"/> ends with it.</summary>
    public string? Hint { get; init; }

    /// <summary>The HTTP status of the answer; <see langword="null"/> when there was no answer.</summary>
    public int? Status { get; init; }

    /// <summary>The request's id in the server's log; <see langword="null"/> when the server sent none.</summary>
    public string? RequestId { get; init; }

    /// <summary>How long the server asks to wait before another attempt; <see langword="null"/> when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the request certainly did not arrive: there was no connection to send it over.</summary>
    internal bool IsUnsent { get; set; }

    /// <summary>How each of several servers failed; <see langword="null"/> when one was asked.</summary>
    internal IReadOnlyList<PyResolveException>? OfServers { get; init; }

    /// <summary>Whether no PyResolve server answered: no connection, no answer in time, or an answer from something else.</summary>
    internal bool IsOutOfReach =>
        Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or PyResolveErrorCodes.UnexpectedAnswer;

    /// <summary>The problem details that the server sent; <see langword="null"/> when there were none.</summary>
    public Problem? Problem { get; init; }
}

namespace PyResolve.Server.Email;

/// <summary>Where letters leave the process.</summary>
internal interface IEmailSender
{
    /// <exception cref="EmailDeliveryException">The letter was not taken.</exception>
    Task SendAsync(Letter letter, CancellationToken cancellationToken);
}

/// <summary>Writes an email just before it is sent.</summary>
/// <returns><see langword="null"/> where there is nobody to send it to, or no reason any more.</returns>
internal delegate Task<Letter?> ComposeEmail(DueLetter due, CancellationToken cancellationToken);

/// <summary>A letter was not taken. The message says why, without the letter's content or address.</summary>
/// <param name="reason">What the operator can act on.</param>
/// <param name="isPermanent">Whether trying again is pointless.</param>
internal sealed class EmailDeliveryException(string reason, bool isPermanent, Exception? cause = null) : Exception(reason, cause)
{
    public bool IsPermanent => isPermanent;
}

package dev.atoll.face.modal;

import dev.atoll.domain.ProcessSpec.Tty;
import dev.atoll.face.modal.wire.PTYInfo;
import java.util.Optional;

/** The terminal that a client asks for. */
final class Ptys {
    private static final int ROWS = 24;
    private static final int COLUMNS = 80;
    private static final int MOST = 1000;
    private static final String TERM = "xterm-256color";

    private Ptys() {}

    static Optional<Tty> of(PTYInfo info) {
        if (!info.getEnabled()) {
            return Optional.empty();
        }
        String term = info.getEnvTerm();
        return Optional.of(new Tty(
                size(info.getWinszCols(), COLUMNS), size(info.getWinszRows(), ROWS), term.isEmpty() ? TERM : term));
    }

    /** Clients without a terminal of their own send 0, those of some services sizes beyond ours. */
    private static int size(int asked, int otherwise) {
        return asked <= 0 ? otherwise : Math.min(asked, MOST);
    }
}

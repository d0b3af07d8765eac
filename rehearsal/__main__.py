from rehearsal.command import main

raise SystemExit(main())
